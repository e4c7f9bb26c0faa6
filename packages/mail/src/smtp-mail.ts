import type { SecureContextOptions } from 'node:tls';
import { CountersignError, type Mail, type MailSender } from '@countersign/core';
import { createTransport, type SendMailOptions, type SMTPTransportOptions } from 'nodemailer';

/** A mail server to hand mails to. */
export interface SmtpServer {
  readonly host: string;
  /** Default 587, or 465 where `secure`. */
  readonly port?: number;
  /** TLS from the first byte, as on port 465. Default: whether the port is 465. */
  readonly secure?: boolean;
  /**
   * Whether a connection that begins without TLS must go on with it. `required` (default): no mail and no password goes without.
   * `offered` (default on localhost): where the server offers it. Certificates are checked in either case.
   */
  readonly startTls?: 'required' | 'offered';
  readonly auth?: { readonly user: string; readonly pass: string };
  /** Certificates of your own authority (PEM), in place of the public ones. */
  readonly ca?: SecureContextOptions['ca'];
  /** The sender: `no-reply@ehr.example.org`, or `Example EHR <no-reply@ehr.example.org>`. */
  readonly from: string;
  /** How long connecting, the greeting, and silence in between may take each. Default 15. */
  readonly timeoutSeconds?: number;
}

/** A nodemailer transport of the host's own (SES, sendmail, a pool). Its set-up is the host's; it is not closed here. */
export interface MailTransport {
  readonly transport: { sendMail(mail: SendMailOptions): Promise<unknown> };
  readonly from: string;
}

/** Options of {@link smtpMail}. */
export type SmtpMailOptions = SmtpServer | MailTransport;

/** What {@link smtpMail} makes. */
export interface SmtpMail extends MailSender {
  /** Breaks off what is under way, and sends nothing any more. Idempotent. */
  close(): void;
}

/**
 * Sends notices over SMTP, one connection a mail. Throws `configuration_invalid`; `send` rejects with `mail_refused` (a permanent
 * refusal, or no mail address) or `mail_unavailable`, which name no address and no password.
 */
export function smtpMail(options: SmtpMailOptions): SmtpMail {
  const from = senderOf(options.from);
  const ended = new AbortController();
  const transport = 'transport' in options ? options.transport : createTransport(transportOptions(options));
  return {
    async send(mail: Mail) {
      const { to, subject, text } = mail;
      if (!isAddress(to)) throw new CountersignError('mail_refused');
      if (ended.signal.aborted) throw new CountersignError('mail_unavailable');
      try {
        await transport.sendMail({
          from,
          // As a whole address, so that no comma makes two of it.
          to: { name: '', address: to },
          subject,
          text,
          // RFC 3834 §5: no out-of-office note comes back.
          headers: { 'Auto-Submitted': 'auto-generated' },
          disableFileAccess: true,
          disableUrlAccess: true,
          signal: ended.signal,
        });
      } catch (error) {
        throw failureOf(error);
      }
    },
    close: () => ended.abort(),
  };
}

function transportOptions(server: SmtpServer): SMTPTransportOptions {
  const { host, auth, ca } = server;
  if (typeof host !== 'string' || host === '') throw refusal('host', 'is missing', 'Name the mail server.');
  const port = server.port ?? (server.secure === true ? 465 : 587);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw refusal('port', 'is no port', 'Use a number such as 587.');
  const seconds = server.timeoutSeconds ?? 15;
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 60)
    throw refusal('timeoutSeconds', 'is no whole number from 1 to 60', 'Leave it out, or correct it.');
  const startTls = server.startTls ?? (isLocal(host) ? 'offered' : 'required');
  if (startTls !== 'required' && startTls !== 'offered')
    throw refusal('startTls', 'is neither required nor offered', 'Leave it out, or correct it.');
  const secure = server.secure ?? port === 465;
  if (auth !== undefined && !secure && startTls !== 'required' && !isLocal(host))
    throw refusal('startTls', 'would send the password without TLS', 'Leave it out: TLS is then required.');
  return {
    host,
    port,
    secure,
    requireTLS: !secure && startTls === 'required',
    tls: { minVersion: 'TLSv1.2', ...(ca === undefined ? {} : { ca }) },
    ...(auth === undefined ? {} : { auth: { user: auth.user, pass: auth.pass } }),
    connectionTimeout: seconds * 1000,
    greetingTimeout: seconds * 1000,
    socketTimeout: seconds * 1000,
    dnsTimeout: seconds * 1000,
  };
}

const isLocal = (host: string): boolean => ['localhost', '127.0.0.1', '::1'].includes(host);

/** One address and nothing else: no list, no name, no control character that would end a header line. */
function isAddress(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= 254 &&
    /^[^\s\p{Cc}<>()[\]\\,;:"@]+@[^\s\p{Cc}<>()\\,;:"@]+$/u.test(value)
  );
}

function senderOf(from: unknown): string {
  const address = typeof from === 'string' ? (/^[^<>\r\n]*<([^<>]*)>$/.exec(from)?.[1] ?? from) : from;
  if (typeof from === 'string' && isAddress(address)) return from;
  throw refusal('from', 'holds no mail address', 'Use no-reply@ehr.example.org, or a name and the address in angles.');
}

/** A refused recipient or mail is for good; a server that turns us away may be mended, by it or by us. */
function failureOf(error: unknown): CountersignError {
  const { code, responseCode } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  const isFinal =
    typeof responseCode === 'number' && responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  // The server's own words, and nodemailer's, repeat addresses: only what kind of failure it was goes on.
  const kind = [code, responseCode].filter((part) => /^[A-Z_\d]{3,40}$/.test(String(part))).join(' ');
  const cause = new Error(`SMTP: ${kind || 'failed'}`);
  return new CountersignError(isFinal ? 'mail_refused' : 'mail_unavailable', { cause });
}

const refusal = (field: string, problem: string, cure: string): CountersignError =>
  new CountersignError('configuration_invalid', {
    field: `smtpMail.${field}`,
    detail: `smtpMail.${field} ${problem}.`,
    cure,
  });
