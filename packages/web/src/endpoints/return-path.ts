/** A page's path with the way back in its query. */
export const withReturn = (path: string, returnTo: string | null): string =>
  returnTo === null ? path : `${path}${path.includes('?') ? '&' : '?'}returnTo=${encodeURIComponent(returnTo)}`;
