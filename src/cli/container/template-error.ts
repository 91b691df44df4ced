/** The template is wrong, or what it asks for is not there. Its message names the line, and no value. */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
  constructor(line: number, message: string, options?: ErrorOptions) {
    super(`line ${line}: ${message}`, options);
  }
}
