import type { RequestHandler } from 'express';
import { HttpError } from './http-error.js';
import { bearerToken, Secret } from './secrets.js';

/** Guards what changes something; without a token everybody who can connect may (see checkAdminExposure). */
export function requireAdmin(adminToken: string | undefined): RequestHandler {
  if (adminToken === undefined) return (_request, _response, next) => next();
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
