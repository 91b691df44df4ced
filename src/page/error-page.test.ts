import assert from "node:assert/strict";
import { test } from "node:test";
import { errorPage } from "./error-page.ts";
import { sampleContext } from "./testing/sample-props.ts";

test("the time to wait is told in whole seconds, later in minutes, as the language counts", () => {
  const told = (locale: "en" | "de" | "es" | "fr", wait: number): string | undefined =>
    /<p class="dex-message">([^<]*)</.exec(
      errorPage({ ...sampleContext, locale }, { status: 429, sentence: "refusal.away", wait }).toString(),
    )?.[1];
  assert.equal(told("en", 1), "Too many attempts. Try again in 1 second.");
  assert.equal(told("en", 119), "Too many attempts. Try again in 119 seconds.");
  assert.equal(told("de", 120), "Zu viele Versuche. Versuchen Sie es in 2 Minuten noch einmal.");
  assert.equal(told("es", 121), "Demasiados intentos. Vuelva a intentarlo dentro de 3 minutos.");
  assert.equal(told("fr", 60), "Trop de tentatives. Réessayez dans 60\u00a0secondes.");
});

test("the page is of one language but for the protocol's words, which say that they are English", () => {
  const page = errorPage(
    { ...sampleContext, locale: "fr" },
    { status: 400, sentence: "refusal.refused", detail: "Parameter is repeated." },
  ).toString();
  assert.match(page, /^<!DOCTYPE html>\n<html lang="fr">/);
  assert.match(page, /L’application a demandé quelque chose d’impossible\./);
  assert.match(page, /<span class="dex-detail" lang="en" dir="auto">Parameter is repeated\.</);
  assert.match(page, /400 <span lang="en">Bad Request</);
});
