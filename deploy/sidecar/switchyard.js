/** Pools that have a location, and the one for everything else. */
const POOLS = ['code', 'chat'];
const DEFAULT = 'chat';

/** Asks Switchyard for the pool of a request and passes the request on to the location of that name. */
async function decide(request) {
  let pool = DEFAULT;
  try {
    const answer = await request.subrequest('/_route', {
      method: 'POST',
      body: request.requestText,
    });
    if (answer.status === 200) pool = JSON.parse(answer.responseText).pool;
    // A wrong key, or too many requests: not for a backend to answer.
    else if (answer.status >= 400 && answer.status < 500) {
      request.headersOut['content-type'] = 'application/json';
      request.return(answer.status, answer.responseText);
      return;
    } else request.warn(`Switchyard answered ${answer.status}; going to ${DEFAULT}`);
  } catch (error) {
    request.error(`Switchyard could not be asked: ${error.message}`);
  }
  request.internalRedirect(`@${POOLS.includes(pool) ? pool : DEFAULT}`);
}

export default { decide };
