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

/** Somebody guesses. The edge answers 429 with `Retry-After`; it says nothing of whether what they guess at exists. RFC 6585 §4. */
export class TooManyAttemptsError extends Error {
  override readonly name = "TooManyAttemptsError";
  /** Whole seconds, at least one. */
  readonly retryAfter: number;

  constructor(waitMs: number) {
    super("too many attempts");
    this.retryAfter = Math.max(1, Math.ceil(waitMs / 1000));
  }
}

/** An upstream answered, and with nothing that we can use. The message quotes no secret and may be logged. */
export class BadAnswerError extends Error {
  override readonly name = "BadAnswerError";
}
