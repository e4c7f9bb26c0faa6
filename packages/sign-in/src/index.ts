export { type AccessTokenOptions, accessToken } from './access-token.ts';
export { oidcRecheck } from './oidc-recheck.ts';
export type { OidcRecheckOptions, RecheckClaims } from './recheck-options.ts';
