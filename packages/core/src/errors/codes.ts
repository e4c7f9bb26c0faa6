/**
 * Every code a caller can meet: its HTTP status and a message that is safe to show. One table, held together with
 * `docs/error-codes.md` by a test. A code, once released, keeps its meaning.
 */
export const errorCodes = {
  // Set-up
  configuration_invalid: { status: 500, message: 'The Countersign configuration is not valid.' },
  category_unknown: { status: 500, message: 'A category is named that is not declared.' },
  guard_not_registered: { status: 500, message: 'A step-up guard stands on a route that the plugin does not know.' },
  store_not_migrated: { status: 500, message: 'The database is not at the version this release needs.' },
  clock_skewed: { status: 500, message: 'The clocks of this machine and of the database differ.' },
  store_folder_in_use: { status: 500, message: 'Another process has opened the database folder.' },
  spool_folder_in_use: { status: 500, message: 'Another process has opened the folder of the emergency spool.' },
  checkpoint_key_invalid: { status: 500, message: 'This is no key that signs or checks checkpoints.' },
  checkpoint_invalid: { status: 500, message: 'This is no checkpoint of an audit log.' },
  audit_proof_invalid: { status: 500, message: 'This proof of the audit log cannot be read or made.' },
  audit_archive_invalid: { status: 500, message: 'This is not the file of an archive that is needed.' },
  store_closed: { status: 503, message: 'The database has been closed.' },
  // Who asks
  sign_in_required: { status: 401, message: 'Please sign in.' },
  session_ended: { status: 401, message: 'This session was ended. Please sign in again.' },
  session_locked: { status: 401, message: 'This session is locked.' },
  person_required: { status: 403, message: 'Only a person can do this.' },
  principal_invalid: { status: 500, message: 'The host did not say clearly who is signed in.' },
  identity_unavailable: { status: 503, message: 'It could not be found out who is signed in.' },
  administrator_required: { status: 403, message: 'Only an administrator of this workspace can do this.' },
  fresh_sign_in_required: { status: 403, message: 'Please sign in again, then enrol.' },
  // Step-up
  step_up_required: { status: 401, message: 'Please confirm that it is you.' },
  factor_required: { status: 403, message: 'This needs a second factor that you have not enrolled yet.' },
  factor_not_accepted: { status: 403, message: 'This factor cannot answer here.' },
  operation_required: { status: 500, message: 'A requirement without grace period needs the operation it is for.' },
  challenge_unknown: {
    status: 404,
    message: 'This confirmation has ended. Please start again from the page you wanted.',
  },
  code_malformed: { status: 400, message: 'That is not of the form of a code.' },
  code_incorrect: { status: 422, message: 'That code is not right. Please try the current one.' },
  answer_refused: { status: 422, message: 'That was not accepted. Please try again.' },
  password_required: { status: 400, message: 'This needs your password together with the code.' },
  code_already_used: { status: 422, message: 'That code was already used. Please wait for the next one.' },
  attempts_delayed: { status: 429, message: 'Too many tries. Please wait a little.' },
  factor_locked: { status: 429, message: 'Too many wrong codes. This factor is locked for a while.' },
  factor_disabled: {
    status: 403,
    message: 'This factor was disabled after too many wrong codes. An administrator can reset it.',
  },
  enrolment_code_refused: { status: 422, message: 'This enrolment code is not right, or has ended.' },
  enrolment_code_required: {
    status: 403,
    message: 'Enrolling a first factor here takes a code from an administrator.',
  },
  factor_limit: { status: 409, message: 'You have as many of these as there can be. Remove one first.' },
  last_factor: { status: 409, message: 'This is your last factor. Enrol another one before you remove it.' },
  factors_changed: { status: 409, message: 'Your factors were changed in the meantime. Please try again.' },
  enrolment_unknown: { status: 404, message: 'There is no enrolment to confirm. Please start it again.' },
  // The record
  resource_unavailable: { status: 503, message: 'The record could not be loaded.' },
  resource_invalid: { status: 500, message: 'The host did not say clearly whose record this is.' },
  patient_unresolved: { status: 400, message: 'The request does not say whose record it is about.' },
  body_unreadable: { status: 415, message: 'The content of this request could not be read.' },
  response_withheld: { status: 403, message: 'The answer to this request is withheld.' },
  // Requests to our own endpoints
  input_invalid: { status: 400, message: 'Something in the request is not as it should be.' },
  draft_refused: { status: 403, message: 'What was kept of this form cannot be sent any more. Nothing was sent.' },
  cross_site_refused: { status: 403, message: 'This request came from another site, or its form has expired.' },
  not_found: { status: 404, message: 'There is nothing here.' },
  settings_proposal_unknown: { status: 404, message: 'These settings do not wait for anybody any more.' },
  second_administrator_required: { status: 403, message: 'Another administrator must approve this.' },
  settings_conflict: { status: 409, message: 'Somebody else changed the settings in the meantime.' },
  audit_sort_too_wide: { status: 422, message: 'There are too many events to sort them this way.' },
  // Emergency access
  emergency_unavailable: { status: 403, message: 'There is no emergency access here.' },
  emergency_not_eligible: { status: 403, message: 'You are not among those who may use emergency access.' },
  emergency_review_overdue: {
    status: 403,
    message: 'An earlier emergency access of yours has waited too long for its review.',
  },
  emergency_reason_insufficient: { status: 422, message: 'Please say in at least 20 characters why this is needed.' },
  emergency_field_required: { status: 422, message: 'Something that must be said about this emergency is missing.' },
  emergency_ended: { status: 409, message: 'This emergency access has ended.' },
  emergency_still_open: {
    status: 409,
    message: 'This emergency access is still open. It can be reviewed once it has ended.',
  },
  emergency_already_reviewed: { status: 409, message: 'This emergency access was already reviewed.' },
  emergency_own_review: { status: 403, message: 'Somebody else must review your emergency access.' },
  // Faults
  settings_unknown: { status: 503, message: 'The settings of this workspace cannot be read right now.' },
  factor_unknown: { status: 503, message: 'This factor cannot be read right now.' },
  store_unavailable: { status: 503, message: 'The database cannot be reached right now.' },
  store_wait_exceeded: { status: 503, message: 'The database did not answer in time.' },
  store_refused: { status: 503, message: 'The database refused to do this.' },
  session_state_unavailable: { status: 503, message: 'The session state cannot be reached right now.' },
  spool_unavailable: { status: 503, message: 'The emergency spool cannot be written to right now.' },
  audit_backlog: { status: 503, message: 'The audit log cannot keep up right now.' },
  audit_sealing_refused: { status: 503, message: 'The seals of the audit log are not as they were left.' },
  key_unknown: { status: 503, message: 'A stored secret was sealed with a key that is not configured.' },
  identity_provider_unavailable: {
    status: 503,
    message: 'The identity provider cannot be reached right now. Please use another factor.',
  },
  mail_unavailable: { status: 502, message: 'The mail server cannot be reached right now.' },
  mail_refused: { status: 502, message: 'The mail server refused this mail for good.' },
  contacts_unavailable: { status: 502, message: 'The address book cannot be read right now.' },
  sms_unavailable: { status: 502, message: 'The SMS service cannot be reached right now.' },
  sms_refused: { status: 502, message: 'The SMS service refused this message for good.' },
  internal: { status: 500, message: 'Something went wrong on our side.' },
} as const satisfies Record<string, { status: number; message: string }>;

/** A code of the table; closed. */
export type ErrorCode = keyof typeof errorCodes;
