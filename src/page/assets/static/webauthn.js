// Asks the browser for a security key or passkey and takes its answer to us: by calls where the form names addresses for
// them (`data-begin`, `data-finish`), else with the form itself, which holds what to ask (`data-options`). WebAuthn Level 3
// §5.1. Served as a file, because inline scripts are forbidden.
const form = document.getElementById("webauthn");
const button = document.getElementById("webauthn-start");
const problem = document.getElementById("webauthn-error");
const unable = document.getElementById("webauthn-unable");
const { mode, begin, finish, options, autofill } = form.dataset;
const isNew = mode === "register";

const toBytes = (text) => {
  const base64 = text.replace(/-/g, "+").replace(/_/g, "/");
  return Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
};
const toText = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, "-")
    .replace(/\//g, "_")
    .replace(/=+$/, "");

const withBytes = (credentials) => (credentials ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));

const post = async (url, body) => {
  const answer = await fetch(url, {
    method: "POST",
    credentials: "same-origin",
    headers: body === undefined ? {} : { "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
};

const ask = async (more) => {
  const publicKey = options === undefined ? (await post(begin)).publicKey : JSON.parse(options);
  const challenge = toBytes(publicKey.challenge);
  if (!isNew) {
    const allowCredentials = withBytes(publicKey.allowCredentials);
    return navigator.credentials.get({ ...more, publicKey: { ...publicKey, challenge, allowCredentials } });
  }
  const user = { ...publicKey.user, id: toBytes(publicKey.user.id) };
  const excludeCredentials = withBytes(publicKey.excludeCredentials);
  return navigator.credentials.create({ ...more, publicKey: { ...publicKey, challenge, user, excludeCredentials } });
};

const answerOf = ({ id, rawId, type, response }) => {
  const clientDataJSON = toText(response.clientDataJSON);
  const own = isNew
    ? { attestationObject: toText(response.attestationObject), transports: response.getTransports?.() ?? [] }
    : {
        authenticatorData: toText(response.authenticatorData),
        signature: toText(response.signature),
        userHandle: response.userHandle ? toText(response.userHandle) : null,
      };
  return { id, rawId: toText(rawId), type, response: { clientDataJSON, ...own } };
};

const give = async (credential) => {
  const answer = answerOf(credential);
  if (finish !== undefined) {
    location.assign((await post(finish, answer)).redirect);
    return;
  }
  form.elements.answer.value = JSON.stringify(answer);
  // Ticked in the form for the password, which is not sent.
  const remember = document.getElementById("remember_me");
  if (remember !== null) form.elements.remember_me.value = remember.checked ? "on" : "";
  form.submit();
};

// Ends the question that waits in a field's list: a browser asks one at a time.
const waiting = new AbortController();

const run = async (event) => {
  event.preventDefault();
  waiting.abort();
  problem.hidden = true;
  button.disabled = true;
  try {
    await give(await ask());
  } catch {
    problem.hidden = false;
    button.disabled = false;
    button.focus();
  }
};

/** The browser offers passkeys in the list of the name's field. Nothing is said where none is chosen. */
const offer = async () => {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  try {
    await give(await ask({ mediation: "conditional", signal: waiting.signal }));
  } catch {
    // The person types, or presses the button.
  }
};

if (window.PublicKeyCredential) {
  if (unable !== null) unable.hidden = true;
  form.hidden = false;
  button.disabled = false;
  form.addEventListener("submit", run);
  if (autofill !== undefined) offer();
  else if (document.getElementById("login") === null) button.focus();
}
