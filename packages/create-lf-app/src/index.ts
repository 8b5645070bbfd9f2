export { type AppNameCheck, checkAppName } from "./app-name.ts"
export { type TemplateName, templateNames } from "./layers.ts"
export { type ScaffoldOptions, scaffold } from "./scaffold.ts"
