import type { PasskeyOptions } from './passkey.ts';

/** What passkeys of this server are bound to. */
export interface PasskeySite {
  readonly rpId: string;
  readonly rpName: string;
  /** Pages that may ask for them. */
  readonly origins: readonly string[];
  /** Other sites that may show those pages in a frame. */
  readonly frameOrigins: readonly string[];
}

/** The site by the options, completed by the public address. */
export function passkeySite(options: PasskeyOptions, publicUrl: URL): PasskeySite {
  return {
    rpId: options.rpId ?? publicUrl.hostname,
    rpName: options.rpName ?? publicUrl.hostname,
    origins: options.origins ?? [publicUrl.origin],
    frameOrigins: options.frameOrigins ?? [],
  };
}

/**
 * What is wrong with options and public address together, with the cure; null where nothing is. A relying party's id is the
 * page's host, or a registrable suffix of it (WebAuthn L3 §5.1.2, §4 *RP ID*). Which suffixes are registrable the browser knows.
 */
export function passkeySiteProblem(options: PasskeyOptions, publicUrl: URL): string | null {
  const { rpId, origins } = passkeySite(options, publicUrl);
  if (isAddress(rpId)) {
    return 'passkey(): passkeys are bound to a name, and the host is an IP address. Give publicUrl a host name; on this machine, localhost.';
  }
  if (!isAtOrBelow(publicUrl.hostname, rpId))
    return 'passkey.rpId is neither the host of publicUrl nor a domain above it. Use that host.';
  if (rpId !== publicUrl.hostname && !rpId.includes('.'))
    return 'passkey.rpId is a top-level domain. Use the host of publicUrl.';
  if (!origins.includes(publicUrl.origin)) return 'passkey.origins leaves out the origin of publicUrl. Add it.';
  for (const origin of origins) {
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (url === null || url.origin !== origin)
      return 'passkey.origins has an entry that is no origin. Write scheme, host and port: https://ehr.example.org';
    if (url.protocol !== 'https:' && !isLocal(url.hostname))
      return 'passkey.origins has an entry that is not https. Plain http is accepted on localhost only.';
    if (!isAtOrBelow(url.hostname, rpId))
      return 'passkey.origins has an entry outside passkey.rpId, where no browser would offer these passkeys. Remove it.';
  }
  for (const origin of options.frameOrigins ?? []) {
    const url = URL.canParse(origin) ? new URL(origin) : null;
    if (url === null || url.origin !== origin || (url.protocol !== 'https:' && !isLocal(url.hostname)))
      return 'passkey.frameOrigins has an entry that is no https origin. Write scheme, host and port: https://portal.example.org';
  }
  return null;
}

const isAtOrBelow = (host: string, domain: string): boolean => host === domain || host.endsWith(`.${domain}`);
const isLocal = (host: string): boolean => host === 'localhost' || host.endsWith('.localhost');
/** As a URL writes one (WHATWG URL §3.5): four numbers, or brackets. */
const isAddress = (host: string): boolean => /^(?:\d+(?:\.\d+){3}|\[.*\])$/.test(host);
