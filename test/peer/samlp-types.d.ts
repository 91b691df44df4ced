/** The part of npm's `samlp` that the tests call; it brings no types. */
declare module "samlp" {
  type Answered = (request: object, response: object, next: (error?: unknown) => void) => void;
  export function auth(options: Readonly<Record<string, unknown>>): Answered;
  export function metadata(options: Readonly<Record<string, unknown>>): Answered;
}
