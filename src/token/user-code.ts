import type { Random } from "../kernel/ports.ts";

/** Consonants that are read alike by everybody and spell nothing. RFC 8628 §6.1. */
const alphabet = "BCDFGHJKLMNPQRSTVWXZ";
/** The largest multiple of the alphabet's length in a byte: what is beyond would make some letters likelier. */
const fair = 240;

/** `XXXX-XXXX`: eight of twenty letters, 34.5 bits. compat(dex): its form. */
export function newUserCode(random: Random): string {
  let letters = "";
  while (letters.length < 8) {
    for (const byte of random.bytes(16)) {
      if (byte < fair && letters.length < 8) letters += alphabet[byte % alphabet.length];
    }
  }
  return hyphenated(letters);
}

/** What a person typed, as it was issued: in any case, with whatever stands between the letters. Undefined: no such code. */
export function readUserCode(typed: string): string | undefined {
  if (typed.length > 64) return undefined;
  const letters = typed.toUpperCase().replace(/[\s\-–—_.]/g, "");
  return /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(letters) ? hyphenated(letters) : undefined;
}

const hyphenated = (letters: string): string => `${letters.slice(0, 4)}-${letters.slice(4)}`;
