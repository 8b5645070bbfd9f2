// What the stories of the documentation use of Storybook 10, which is no dependency of this repository.
declare module "@storybook/react-vite" {
  interface StoryContext {
    /** What the loaders returned. Storybook's own type is `any`. */
    readonly loaded: Readonly<Record<string, unknown>>
    readonly canvas: ReturnType<typeof import("@testing-library/react").within>
    readonly userEvent: { type(element: Element, text: string): Promise<void> }
  }

  interface Annotations {
    readonly loaders?: readonly ((context: StoryContext) => Promise<Readonly<Record<string, unknown>>>)[]
    /** Returns what is called after the story. */
    readonly beforeEach?: (context: StoryContext) => (() => Promise<void>) | Promise<void>
    readonly render?: (args: object, context: StoryContext) => import("react").ReactElement
    readonly play?: (context: StoryContext) => Promise<void>
  }

  export interface Meta extends Annotations {
    readonly title?: string
  }

  export type StoryObj = Annotations
}
