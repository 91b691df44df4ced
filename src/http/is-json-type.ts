/** Whether a `Content-Type` says JSON. RFC 8259 §11: it has no parameters, and those that come are ignored. */
export const isJsonType = (contentType: string | undefined): boolean =>
  /^application\/json[ \t]*(;|$)/i.test(contentType ?? "");
