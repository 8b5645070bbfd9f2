/** The panel's own styles: in a shadow root, where the page's do not reach it, and from where they reach nothing. */
export const PANEL_CSS = `
:host { all: initial; position: fixed; z-index: 2147483000; right: 0; bottom: 0; width: 0; height: 0; }
* { box-sizing: border-box; }
.root {
  --back: #fff; --text: #1d2126; --soft: #5a6470; --line: #d9dee4; --field: #f4f6f8; --mark: #1f5fbf; --on-mark: #fff;
  --good: #146c37; --bad: #b3261e; --wait: #8a5a00;
  color-scheme: light dark; font: 13px/1.45 system-ui, sans-serif; color: var(--text);
}
@media (prefers-color-scheme: dark) {
  .root {
    --back: #17191d; --text: #e6e8eb; --soft: #9aa4b0; --line: #33383f; --field: #22262b; --mark: #7fb0ff; --on-mark: #10151c;
    --good: #6fd193; --bad: #ff8a80; --wait: #f0c060;
  }
}
button, input, textarea, select { font: inherit; color: inherit; }
button { cursor: pointer; background: var(--field); border: 1px solid var(--line); border-radius: 6px; padding: 3px 10px; }
button:hover:not(:disabled) { border-color: var(--mark); }
button:disabled { cursor: default; opacity: 0.55; }
:focus-visible { outline: 2px solid var(--mark); outline-offset: 1px; }
.opener {
  position: fixed; right: 12px; bottom: 12px; width: 34px; height: 34px; padding: 0; border-radius: 50%;
  background: var(--back); font-weight: 600; box-shadow: 0 1px 5px #0003;
}
.panel {
  position: fixed; left: 0; right: 0; bottom: 0; height: min(56vh, 460px); display: flex; flex-direction: column;
  background: var(--back); border-top: 1px solid var(--line); box-shadow: 0 -3px 14px #0002;
}
.top { display: flex; gap: 8px; align-items: center; padding: 6px 10px; border-bottom: 1px solid var(--line); flex-wrap: wrap; }
.top select { background: var(--field); border: 1px solid var(--line); border-radius: 6px; padding: 3px 6px; max-width: 220px; }
.tabs { display: flex; gap: 2px; overflow-x: auto; flex: 1 1 320px; min-width: 0; }
.tabs button { border-color: transparent; background: none; white-space: nowrap; }
.tabs button[aria-selected="true"] { background: var(--mark); color: var(--on-mark); }
.body { flex: 1; overflow: auto; padding: 10px; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); }
th { color: var(--soft); font-weight: 500; white-space: nowrap; }
td { overflow-wrap: anywhere; } .whole { white-space: nowrap; }
code, pre, textarea { font: 12px/1.45 ui-monospace, monospace; }
pre { margin: 4px 0; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--field); padding: 6px 8px; border-radius: 6px; }
textarea { width: 100%; min-height: 54px; background: var(--field); border: 1px solid var(--line); border-radius: 6px; padding: 6px 8px; }
.number, .null, .blob { color: var(--mark); } .null { font-style: italic; }
.soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); } .wait { color: var(--wait); }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 8px 10px; margin: 0 0 8px; }
.line { display: flex; gap: 4px 14px; flex-wrap: wrap; align-items: baseline; }
.scroll { overflow-x: auto; }
.split { display: grid; grid-template-columns: 190px 1fr; gap: 14px; }
.list { display: flex; flex-direction: column; gap: 2px; }
.list button { text-align: left; border-color: transparent; background: none; display: flex; justify-content: space-between; gap: 8px; }
.list button[aria-pressed="true"] { background: var(--field); border-color: var(--line); }
h3 { margin: 0 0 6px; font: inherit; font-weight: 600; } p { margin: 0 0 8px; max-width: 76ch; } ul { margin: 0 0 8px; padding-left: 20px; }
@media (max-width: 600px) { .split { grid-template-columns: 1fr; } .panel { height: 62vh; } }
`
