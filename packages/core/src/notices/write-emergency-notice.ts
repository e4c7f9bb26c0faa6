import type { EmergencyNotice } from './emergency-notice.ts';
import type { Contact, Mail } from './notice.ts';
import type { NoticeTexts } from './notice-texts.ts';
import { filled, noticeInstant, plainName, textsOf } from './write-notice.ts';

/** As every notice: plain text, no link, no patient, no reason; the subject is ours word by word. */
export function writeEmergencyMail(notice: EmergencyNotice, contact: Contact, publicUrl: URL): Mail {
  const texts = textsOf(contact.language);
  const { emergency } = texts;
  const { purpose, kind, from, until } = notice;
  const lines = [
    texts.greeting,
    '',
    happened(notice, texts),
    '',
    ...(purpose === null ? [] : [filled(emergency.purpose, { purpose: emergency.purposes[purpose] })]),
    filled(emergency.from, { at: noticeInstant(from) }),
    ...(until === null ? [] : [filled(emergency.until, { at: noticeInstant(until) })]),
    filled(texts.where, { host: publicUrl.host }),
    '',
    kind === 'requested' ? emergency.approve : emergency.review,
    '',
  ];
  const subject = kind === 'overdue' ? emergency.subjectOverdue : emergency.subject;
  return { to: contact.email, subject, text: lines.join('\n') };
}

/** The same in a sentence or two. */
export function writeEmergencySms(notice: EmergencyNotice, contact: Contact, publicUrl: URL): string {
  const texts = textsOf(contact.language);
  const { emergency } = texts;
  const { from, until, kind } = notice;
  const when = until === null ? noticeInstant(from) : `${noticeInstant(from)} – ${noticeInstant(until)}`;
  return filled(emergency.sms, {
    host: publicUrl.host,
    happened: happened(notice, texts),
    when: `${when}.`,
    todo: kind === 'requested' ? emergency.smsApprove : emergency.smsReview,
  });
}

function happened(notice: EmergencyNotice, { emergency }: NoticeTexts): string {
  const { kind, userId, by, count } = notice;
  return filled(emergency.happened[kind], { user: plainName(userId), by: plainName(by), count: String(count) });
}
