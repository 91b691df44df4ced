/**
 * Every sentence a person can read on our pages, in one place and safe for anyone: none quotes a secret.
 * `english` is the model. Another language is one more file with a {@link Catalogue} and one line in
 * `catalogues`; the type asks for every key, and a test for the same `{placeholders}`.
 */
import { type Child, type Html, html } from "./html.ts";

const english = {
  "login.title": "Log in to {issuer}",
  "login.choose": "Choose how you want to log in.",
  "login.with": "Log in with {connector}",
  "login.none": "No way to log in is set up for this application. Please tell the person who runs it.",
  "connector.unavailable": "Not available right now",

  "password.lede": "Use your {connector} account.",
  "password.password": "Password",
  "password.rememberMe": "Keep me logged in on this device",
  "password.submit": "Log in",
  "password.invalid": "Those details do not match. Check both fields and try again.",
  "password.back": "Choose another way to log in",

  "signup.question": "New here?",
  "signup.link": "Create an account",
  "signup.title": "Create your account",
  "signup.email": "Email address",
  "signup.username": "Name",
  "signup.password": "Password",
  "signup.passwordHint": "At least {count} characters. A short sentence is easy to remember and hard to guess.",
  "signup.submit": "Create account",
  "signup.back": "I already have an account",

  "approval.title": "Allow access?",
  "approval.asks": "{client} asks for access to your account.",
  "approval.user": "You are logged in as {user}.",
  "approval.scopes": "If you allow it, {client} can:",
  "approval.noScopes": "{client} asks for no personal information.",
  "approval.allow": "Allow access",
  "approval.deny": "Do not allow",
  "destination.site": "You will be sent to {host}.",
  "destination.app": "You will be sent back to an app on this device ({scheme}).",
  "destination.loopback": "You will be sent back to a program on this computer.",
  "destination.code": "You will then see a code to copy into the application.",
  "destination.device": "The device that showed you a code will be logged in.",

  "scope.openid": "Recognise you",
  "scope.openid.detail": "Through an identifier that stays the same",
  "scope.profile": "See your name",
  "scope.profile.detail": "And your user name",
  "scope.email": "See your email address",
  "scope.email.detail": "And whether it has been verified",
  "scope.groups": "See your groups",
  "scope.groups.detail": "The teams you belong to, often used to decide what you may do",
  "scope.federated": "See where you log in",
  "scope.federated.detail": "Your account's identifier there and the name of the login method",
  "scope.offline": "Stay connected",
  "scope.offline.detail": "Keep this access when you are away, until it is withdrawn",
  "scope.audience": "Use your login with {peer}",
  "scope.audience.detail": "{peer} will accept it as yours",
  "scope.other": "Use “{scope}”",
  "scope.other.detail": "A permission defined by the application",

  "oob.title": "You are logged in",
  "oob.explain": "Copy this code, go back to the application and paste it there.",
  "oob.code": "Code",
  "oob.careful": "Give this code to nobody else. It works once and for a short time.",

  "device.title": "Connect a device",
  "device.explain": "Enter the code that your device shows.",
  "device.code": "Device code",
  "device.submit": "Continue",
  "device.invalid": "This code is wrong or has expired. Check it, or ask the device for a new one.",
  "device.careful": "Only continue if you started this yourself. Nobody else should ever ask you to enter a code here.",
  "device.success.title": "Your device is connected",
  "device.success.explain": "{client} is logged in. You can close this window and go back to your device.",

  "logout.confirm.title": "Log out?",
  "logout.confirm.explain": "You will have to log in again the next time an application asks for it.",
  "logout.confirm.submit": "Log out",
  "logout.done.title": "You are logged out",
  "logout.done.explain": "On a shared computer, also close this window.",
  "logout.none.title": "You were not logged in",
  "logout.none.explain": "There is no active session in this browser.",
  "logout.back": "Back to the application",

  "home.product": "Dex IdP",
  "home.title": "You are not logged in",
  "home.explain": "This is the Dex IdP of {issuer}. Start at the application that you want to use.",
  "home.discovery": "OpenID configuration",
  "home.identity": "Your session",
  "home.verified": "verified",
  "home.notVerified": "not verified",
  "home.connector": "Logged in with",
  "home.signedIn": "Logged in",
  "home.expires": "Session ends",
  "home.expiresIdle": "Ends if unused",
  "home.address": "Logged in from",
  "home.groups": "Groups",
  "home.browser": "Browser",
  "home.logout": "Log out",

  "forward.title": "Continue to {host}",
  "forward.saml": "Your organisation's login page is next.",
  "forward.self": "One more step takes you back to the sign-in.",
  "forward.client": "One more step takes you back to the application.",
  "forward.submit": "Continue",

  "error.prefix": "Error",
  "error.title.request": "That did not work",
  "error.title.denied": "You cannot go on from here",
  "error.title.missing": "There is nothing here",
  "error.title.tooMany": "Too many attempts",
  "error.title.busy": "Not available right now",
  "error.title.fault": "Something went wrong on our side",
  "error.advice.restart": "Go back to the application and start again.",
  "error.advice.retry": "Wait a moment, then try again.",
  "error.advice.administrator": "If it happens again, tell your administrator, with the reference below.",
  "error.retry": "Try again",
  "error.status": "Status",
  "error.trace": "Reference",
} as const;

type English = typeof english;
export type MessageKey = keyof English;
export type Catalogue = Readonly<Record<MessageKey, string>>;

/** One entry per language, by BCP 47 tag. */
export const catalogues = { en: english } as const satisfies Readonly<Record<string, Catalogue>>;
export type Locale = keyof typeof catalogues;
export const defaultLocale: Locale = "en";

type Placeholders<Text extends string> = Text extends `${string}{${infer Name}}${infer Rest}`
  ? Name | Placeholders<Rest>
  : never;
type PlainKey = { readonly [K in MessageKey]: Placeholders<English[K]> extends never ? K : never }[MessageKey];
type FilledKey = Exclude<MessageKey, PlainKey>;
type Values<K extends MessageKey, V> = Readonly<Record<Placeholders<English[K]>, V>>;

/** The sentences of one language. */
export interface Words {
  /** For attributes and titles. */
  text(key: PlainKey): string;
  text<K extends FilledKey>(key: K, values: Values<K, string>): string;
  /** The same between tags, where a value may be markup. */
  rich<K extends FilledKey>(key: K, values: Values<K, Child>): Html;
}

/** "a {b} c" as ["a ", "b", " c"]: text and names in turn. */
const piecesOf = (sentence: string): readonly string[] => sentence.split(/[{}]/);

function compile(catalogue: Catalogue): Words {
  const pieces = new Map(Object.entries(catalogue).map(([key, sentence]) => [key, piecesOf(sentence)]));
  const fill = <V>(key: string, values: Readonly<Record<string, V>>): readonly (string | V | undefined)[] =>
    (pieces.get(key) ?? []).map((piece, i) => (i % 2 === 0 ? piece : values[piece]));
  return {
    text: (key: MessageKey, values: Readonly<Record<string, string>> = {}) => fill(key, values).join(""),
    rich: (key: MessageKey, values: Readonly<Record<string, Child>>) => html`${fill(key, values)}`,
  };
}

const compiled: Readonly<Record<Locale, Words>> = { en: compile(catalogues.en) };

export function wordsOf(locale: Locale): Words {
  return compiled[locale];
}
