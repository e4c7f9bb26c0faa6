export const sessionCookieName = 'ehr-session';

/** Bytes of a posted form or JSON body. */
export const bodyLimit = 128 * 1024;

/** Ends with the browser; by HTTPS only where the EHR is reached by HTTPS. */
export function sessionCookie(publicUrl: string) {
  return { path: '/', httpOnly: true, sameSite: 'lax', secure: publicUrl.startsWith('https:') } as const;
}
