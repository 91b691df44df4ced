/** A dependency (database, signer, upstream) is dead or too slow. The edge answers 503 with `Retry-After`. */
export class UnavailableError extends Error {
  override readonly name = "UnavailableError";
  /** Who is away, in an operator's words: "storage", "signer", "connector ldap". */
  readonly dependency: string;

  constructor(dependency: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.dependency = dependency;
  }
}

/** An upstream answered, and with nothing that we can use. The message quotes no secret and may be logged. */
export class BadAnswerError extends Error {
  override readonly name = "BadAnswerError";
}
