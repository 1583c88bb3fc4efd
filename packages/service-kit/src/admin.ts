import { isIP } from 'node:net';
import type { RequestHandler } from 'express';
import { HttpError } from './http-error.js';
import { bearerToken, Secret } from './secrets.js';

/**
 * Guards what changes something. Without a token everybody who can connect may (see
 * checkAdminExposure), but not the pages of other sites in a browser on this machine.
 */
export function requireAdmin(adminToken: string | undefined): RequestHandler {
  if (adminToken === undefined) return refuseOtherSites;
  const secret = new Secret(adminToken);
  return (request, _response, next) => {
    const token = bearerToken(request);
    if (token !== undefined && secret.matches(token)) next();
    else {
      const message = 'this call needs the admin token: send "Authorization: Bearer $ADMIN_TOKEN"';
      next(
        new HttpError(401, 'invalid_api_key', message, {
          headers: { 'www-authenticate': 'Bearer' },
        }),
      );
    }
  };
}

/**
 * Browsers say in Sec-Fetch-Site (W3C Fetch Metadata) whose page a request comes from, but not to
 * plain HTTP by name. There a page can make its own name stand for this machine (DNS rebinding), so
 * without a token names are taken only if no page can have them: local ones.
 */
const refuseOtherSites: RequestHandler = ({ headers }, _response, next) => {
  const site = headers['sec-fetch-site'];
  const isOwn = site === undefined || site === 'same-origin' || site === 'none';
  if (!isOwn)
    next(new HttpError(403, 'cross_site', 'pages of other sites may not change anything here'));
  else if (!isLocal(`http://${headers.host}`) || !isLocal(headers.origin ?? 'http://localhost')) {
    const message = `"${headers.host}" could be the name of any page; set ADMIN_TOKEN, or call an address`;
    next(new HttpError(403, 'cross_site', message));
  } else next();
};

/** An address, localhost, or a name without a dot, as containers have. */
function isLocal(origin: string): boolean {
  if (!URL.canParse(origin)) return false;
  const host = new URL(origin).hostname.replace(/^\[|\]$/g, '');
  return isIP(host) !== 0 || !host.includes('.') || host.endsWith('.localhost');
}
