export { type MailTransport, type SmtpMail, type SmtpMailOptions, type SmtpServer, smtpMail } from './smtp-mail.ts';
