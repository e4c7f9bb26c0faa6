export type { Endpoint } from './endpoints/endpoint.ts';
export {
  assertCovered,
  type CoverageOptions,
  type CoverageRow,
  type CoverageState,
  coverageRow,
  type Exempt,
  markExempt,
} from './guard/coverage.ts';
export { Guard, type GuardedRecord, type GuardOptions, type GuardOutcome, type Resource } from './guard/guard.ts';
export {
  type CurrentEmergencyAccess,
  type HostPort,
  type IdentifiedPrincipal,
  type RecordDemand,
  type StatelessSession,
  StepUp,
} from './guard/step-up.ts';
export { enforceNoStore } from './http/no-store.ts';
export { replyContent } from './http/reply-content.ts';
export type { WebReply } from './http/web-reply.ts';
export type { WebRequest } from './http/web-request.ts';
export { type OpenApiDocument, openApiDocument } from './openapi/open-api-document.ts';
export type { WebOptions } from './options.ts';
export type { Theme } from './pages/pages.ts';
export { resolveStrings, type StringOverrides, type Strings } from './strings/strings.ts';
export { Web } from './web.ts';
