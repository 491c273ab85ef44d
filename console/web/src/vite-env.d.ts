declare module 'virtual:theme.css';

declare module '#dev/mock.mjs' {
  export function startMock(options: { port?: number; pages?: string }): Promise<{ url: string; close(): void }>;
}
