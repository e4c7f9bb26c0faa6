import type { NoticeTexts } from './notice-texts.ts';

export const englishNotices: NoticeTexts = {
  kinds: {
    'factor-enrolled': {
      subject: 'A second factor was added to your account',
      happened: 'A second factor was added to your account: {factor}.',
    },
    'factor-removed': {
      subject: 'A second factor was removed from your account',
      happened: 'A second factor was removed from your account: {factor}.',
    },
    'factor-renamed': {
      subject: 'A second factor of your account was renamed',
      happened: 'A second factor of your account was given another name: {factor}.',
    },
    'factor-reset': {
      subject: 'A second factor of your account was reset',
      happened: 'A second factor of your account was reset: {factor}. It no longer works; you can enrol it anew.',
    },
    'factor-locked': {
      subject: 'A second factor of your account is locked for a while',
      happened:
        'There were too many wrong answers with a second factor of your account: {factor}. It is locked for a while.',
    },
    'factor-disabled': {
      subject: 'A second factor of your account was disabled',
      happened:
        'There were too many wrong answers in a row with a second factor of your account: {factor}. It was disabled. An administrator can reset it.',
    },
    'recovery-codes-made': {
      subject: 'New recovery codes were made for your account',
      happened: 'New recovery codes were made for your account. Earlier ones no longer work.',
    },
    'recovery-code-used': {
      subject: 'A recovery code of your account was used',
      happened: 'A recovery code of your account was used. Codes left: {remaining}.',
    },
    'enrolment-code-issued': {
      subject: 'An enrolment code was issued for your account',
      happened:
        'An administrator issued a one-time code with which a second factor can be added to your account. It is handed to you in person, never by mail.',
    },
    'settings-changed': {
      subject: 'Step-up settings were changed',
      happened: 'The step-up settings of your workspace were changed.',
    },
    'settings-proposed': {
      subject: 'A change of step-up settings waits for approval',
      happened: 'A change of the step-up settings of your workspace was proposed. It waits for another administrator.',
    },
    'settings-proposal-decided': {
      subject: 'A proposed change of step-up settings was decided',
      happened: 'The proposed change of the step-up settings of your workspace was decided.',
    },
  },
  factors: {
    totp: 'authenticator app',
    passkey: 'passkey',
    'recovery-codes': 'recovery codes',
    'identity-provider': 'confirmation at your identity provider',
  },
  otherFactor: 'another kind ({factor})',
  greeting: 'Hello,',
  where: 'Where: {host}',
  when: 'When: {at}',
  byAdministrator: 'By: an administrator',
  byUser: 'By: {user}',
  notYou:
    'If this was you, there is nothing to do. If it was not, tell an administrator at once, and sign out wherever you are signed in.',
  notExpected: 'If you did not expect this, look at the audit log and talk to the administrator who did it.',
  emergency: {
    happened: {
      started: '{user} has begun emergency access.',
      reopened: '{user} has begun emergency access for the same patient again. It waits for review as escalated.',
      requested:
        '{user} asks for emergency access beyond the usual number of times. A second eligible person must approve it.',
      approved: '{by} has approved the emergency access of {user}, which has begun.',
      overdue: 'The review of an emergency access of {user} is overdue.',
      gathered: '{user} has begun emergency access {count} more times within a quarter of an hour.',
    },
    subject: 'Emergency access',
    subjectOverdue: 'The review of an emergency access is overdue',
    purposes: {
      clinical: 'clinical (the records of one patient)',
      administrative: 'administrative (their own second factors)',
    },
    purpose: 'Purpose: {purpose}',
    from: 'From: {at}',
    until: 'Until: {at}',
    review: 'Please review it: sign in as you always do, and open the reviews of emergency access.',
    approve: 'To approve or decline it, sign in as you always do, and open emergency access.',
    sms: '{host}: {happened} {when} {todo}',
    smsReview: 'Please review it there.',
    smsApprove: 'Please decide on it there.',
  },
};
