import type { OutgoingHttpHeaders } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Exchange } from '../requests/exchange.js';

export interface Wire {
  start(status: number, headers: OutgoingHttpHeaders): void;
  /** False when the client is gone. */
  write(text: string): Promise<boolean>;
  end(text: string, outcome?: 'completed' | 'refused'): Promise<void>;
  /** Sends `part` and, once the kernel has it, destroys the connection. */
  cut(part: string | Buffer): Promise<void>;
}

/** The bytes of one answer, as its fault wants them sent. */
export function wireOf(exchange: Exchange): Wire {
  const { res, req, fault } = exchange;

  async function trickle(bytes: Buffer, byteDelayMs: number): Promise<boolean> {
    for (let at = 0; at < bytes.length && !exchange.gone; at += 1) {
      res.write(bytes.subarray(at, at + 1));
      if (byteDelayMs > 0) await exchange.sleep(byteDelayMs);
      else await nextTurn();
    }
    return !exchange.gone;
  }

  return {
    start(status, headers) {
      if (exchange.gone) return;
      exchange.record.status = status;
      res.writeHead(status, headers);
    },

    async write(text) {
      if (exchange.gone) return false;
      if (fault.type === 'trickle') return trickle(Buffer.from(text), fault.byteDelayMs);
      if (res.write(text)) return true;
      return exchange.wait((done) => {
        res.once('drain', done);
        return undefined;
      });
    },

    async end(text, outcome = 'completed') {
      let last: string | Buffer = text;
      if (fault.type === 'trickle') {
        // The last byte stays for end(), or the client could see the whole answer before its slot is free.
        const bytes = Buffer.from(text);
        if (!(await trickle(bytes.subarray(0, -1), fault.byteDelayMs))) return;
        last = bytes.subarray(-1);
      }
      if (exchange.gone) return;
      exchange.settle(outcome);
      res.end(last);
    },

    async cut(part) {
      const flushed = await exchange.wait((done) => {
        res.write(part, () => done());
        return undefined;
      });
      if (!flushed) return;
      exchange.settle('cut');
      req.socket.destroy();
    },
  };
}
