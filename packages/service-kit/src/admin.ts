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

/** Browsers say in Sec-Fetch-Site (W3C Fetch Metadata) whose page a request comes from. */
const refuseOtherSites: RequestHandler = (request, _response, next) => {
  const site = request.headers['sec-fetch-site'];
  if (site === undefined || site === 'same-origin' || site === 'none') next();
  else next(new HttpError(403, 'cross_site', 'pages of other sites may not change anything here'));
};
