const HEADERS_END = Buffer.from('\r\n\r\n');

/** Where the value of the part named "model" stands in a multipart/form-data body (RFC 7578). */
export function findModelPart(
  body: Buffer,
  contentType: string,
): { start: number; end: number } | undefined {
  const [, quoted, plain] = /\bboundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  const delimiter = Buffer.from(`--${boundary}`);
  for (let part = body.indexOf(delimiter); part >= 0; ) {
    const head = part + delimiter.length;
    const headersEnd = body.indexOf(HEADERS_END, head);
    if (headersEnd < 0) return undefined;
    const start = headersEnd + HEADERS_END.length;
    const next = body.indexOf(delimiter, start);
    if (next < 0) return undefined;
    const headers = body.toString('latin1', head, headersEnd);
    // The line break before a delimiter belongs to the delimiter.
    if (isModel(headers)) return { start, end: next - 2 };
    part = next;
  }
  return undefined;
}

const isModel = (headers: string) =>
  /^content-disposition:\s*form-data\s*;.*\bname="?model"?\s*(;|$)/im.test(headers) &&
  !/\bfilename\*?=/i.test(headers);
