// Types of static/otp.js, which defines one global: OTPGateway.
//
// Copy it into your project, or: /// <reference path="otp.d.ts" />

declare namespace OTPGateway {
  interface Options {
    /** `key` of the OTP's `url`, where the namespace has `view_key`. */
    key?: string | null;
    /** Language of the page, such as "hi"; default: the OTP's or the browser's. */
    lang?: string | null;
  }
  interface Finished {
    namespace: string;
    id: string;
  }
}

/**
 * Shows the verification page of an OTP in a modal. At most one of the callbacks is called, once.
 *
 * Resolves to the namespace and id when the person has verified the address and to null when they closed the
 * modal; rejects when one is open already or an argument is missing. Have your server ask the gateway for the
 * status before it trusts the result.
 */
declare function OTPGateway(
  namespace: string,
  id: string,
  onFinish?: ((namespace: string, id: string) => void) | null,
  onCancel?: (() => void) | null,
  options?: OTPGateway.Options | null,
): Promise<OTPGateway.Finished | null>;

interface Window {
  OTPGateway: typeof OTPGateway;
}
