// Asks the browser for a security key or passkey and takes its answer to us. WebAuthn Level 3 §5.1.
// Served as a file, because inline scripts are forbidden.
const form = document.getElementById("webauthn");
const button = document.getElementById("webauthn-start");
const problem = document.getElementById("webauthn-error");
const isNew = form.dataset.mode === "register";

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

const ask = async () => {
  const { publicKey } = await post(form.dataset.begin);
  const challenge = toBytes(publicKey.challenge);
  if (!isNew) {
    const allowCredentials = withBytes(publicKey.allowCredentials);
    return navigator.credentials.get({ publicKey: { ...publicKey, challenge, allowCredentials } });
  }
  const user = { ...publicKey.user, id: toBytes(publicKey.user.id) };
  const excludeCredentials = withBytes(publicKey.excludeCredentials);
  return navigator.credentials.create({ publicKey: { ...publicKey, challenge, user, excludeCredentials } });
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

const run = async (event) => {
  event.preventDefault();
  problem.hidden = true;
  button.disabled = true;
  try {
    const { redirect } = await post(form.dataset.finish, answerOf(await ask()));
    location.assign(redirect);
  } catch {
    problem.hidden = false;
    button.disabled = false;
    button.focus();
  }
};

if (window.PublicKeyCredential) {
  document.getElementById("webauthn-unable").hidden = true;
  button.disabled = false;
  form.addEventListener("submit", run);
  button.focus();
}
