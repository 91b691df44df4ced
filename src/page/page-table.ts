/** Every page by name. Tests walk it, so a new page is checked for structure and safety from its first line. */
import { accountPage } from "./account-page.ts";
import { approvalPage } from "./approval-page.ts";
import { deviceConfirmPage } from "./device-confirm-page.ts";
import { devicePage } from "./device-page.ts";
import { deviceResultPage } from "./device-result-page.ts";
import { errorPage } from "./error-page.ts";
import { forwardPage } from "./forward-page.ts";
import { homePage } from "./home-page.ts";
import { loginPage } from "./login-page.ts";
import { logoutPage } from "./logout-page.ts";
import { oobPage } from "./oob-page.ts";
import { passwordPage } from "./password-page.ts";
import { recoveryCodesPage } from "./recovery-codes-page.ts";
import { recoveryPage } from "./recovery-page.ts";
import { selfServicePage } from "./self-service-page.ts";
import { selfServiceResultPage } from "./self-service-result-page.ts";
import { signupPage } from "./signup-page.ts";
import { totpPage } from "./totp-page.ts";
import { webauthnPage } from "./webauthn-page.ts";

export const pages = {
  login: loginPage,
  password: passwordPage,
  signup: signupPage,
  selfService: selfServicePage,
  selfServiceResult: selfServiceResultPage,
  approval: approvalPage,
  oob: oobPage,
  error: errorPage,
  logout: logoutPage,
  home: homePage,
  account: accountPage,
  device: devicePage,
  deviceConfirm: deviceConfirmPage,
  deviceResult: deviceResultPage,
  forward: forwardPage,
  totp: totpPage,
  webauthn: webauthnPage,
  recovery: recoveryPage,
  recoveryCodes: recoveryCodesPage,
} as const;

export type Pages = typeof pages;
export type PageName = keyof Pages;
