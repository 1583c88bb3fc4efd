import type { FieldProblem } from './settings/issues.js';

/** A request answered with OpenAI's error shape. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly param: string | null;

  constructor(status: number, code: string, message: string, param: string | null = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    this.param = param;
  }

  toBody(): object {
    return {
      error: {
        message: this.message,
        type: errorType(this.status),
        param: this.param,
        code: this.code,
      },
    };
  }
}

function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

export class InvalidSettingsError extends ApiError {
  readonly problems: readonly FieldProblem[];

  constructor(problems: readonly FieldProblem[]) {
    const message = problems.map(({ field, message }) => `${field}: ${message}`).join('; ');
    super(400, 'invalid_setting', message, problems[0]?.field ?? null);
    this.name = 'InvalidSettingsError';
    this.problems = problems;
  }
}

/** The address cannot be listened on; `code` is the system's, such as EADDRINUSE. */
export class ListenError extends Error {
  readonly code: string;

  constructor(host: string, port: number, code: string) {
    const reason = code === 'EADDRINUSE' ? 'is already in use' : `cannot be listened on: ${code}`;
    super(`port ${port} on ${host} ${reason}`);
    this.name = 'ListenError';
    this.code = code;
  }
}
