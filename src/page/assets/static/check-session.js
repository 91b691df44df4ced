// OIDC Session Management §3.2: says whether the login that an application was told of is still this browser's.
// SHA-256 by hand (FIPS 180-4): crypto.subtle is missing on plain HTTP, and answers too late for some callers.
(() => {
  const cookieName = document.currentScript.dataset.cookie;

  // The first 64 (32) fractional bits of cube (square) roots of primes, found rather than listed.
  const primes = [];
  for (let candidate = 2; primes.length < 64; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate);
  }
  const fraction = (root) => ((root - Math.floor(root)) * 4294967296) | 0;
  const constants = primes.map((prime) => fraction(Math.cbrt(prime)));
  const initial = primes.slice(0, 8).map((prime) => fraction(Math.sqrt(prime)));
  const rotate = (word, by) => (word >>> by) | (word << (32 - by));

  const sha256 = (text) => {
    const bytes = Array.from(unescape(encodeURIComponent(text)), (letter) => letter.charCodeAt(0));
    const bits = bytes.length * 8;
    bytes.push(0x80);
    while (bytes.length % 64 !== 56) bytes.push(0);
    for (let shift = 56; shift >= 0; shift -= 8) bytes.push(shift >= 32 ? 0 : (bits >>> shift) & 255);
    const state = initial.slice();
    for (let at = 0; at < bytes.length; at += 64) {
      const words = [];
      for (let i = 0; i < 64; i++) {
        if (i < 16) {
          const from = at + i * 4;
          words.push((bytes[from] << 24) | (bytes[from + 1] << 16) | (bytes[from + 2] << 8) | bytes[from + 3]);
          continue;
        }
        const [a, b] = [words[i - 15], words[i - 2]];
        const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
        const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
        words.push((words[i - 16] + s0 + words[i - 7] + s1) | 0);
      }
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
        const one = (h + s1 + ((e & f) ^ (~e & g)) + constants[i] + words[i]) | 0;
        const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
        const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
      }
      [a, b, c, d, e, f, g, h].forEach((word, i) => {
        state[i] = (state[i] + word) | 0;
      });
    }
    const letters = state.flatMap((word) => [24, 16, 8, 0].map((by) => String.fromCharCode((word >>> by) & 255)));
    return btoa(letters.join("")).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  };

  const browserState = () => {
    const pair = document.cookie.split("; ").find((text) => text.indexOf(`${cookieName}=`) === 0);
    return pair === undefined ? "" : pair.slice(cookieName.length + 1);
  };

  const judge = (data, origin) => {
    const space = typeof data === "string" ? data.lastIndexOf(" ") : -1;
    const [client, told] = [String(data).slice(0, space), String(data).slice(space + 1)];
    const salt = told.split(".")[1];
    if (space < 1 || salt === undefined) return "error";
    const state = browserState();
    return state !== "" && `${sha256(`${client} ${origin} ${state} ${salt}`)}.${salt}` === told
      ? "unchanged"
      : "changed";
  };

  window.addEventListener("message", (message) => {
    // Only whoever frames us may ask, and only their own origin counts in the answer.
    if (message.source !== window.parent || message.source === window) return;
    message.source.postMessage(judge(message.data, message.origin), message.origin);
  });
})();
