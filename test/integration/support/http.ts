import { get } from 'node:http';

/** What a server on this machine answers to a GET of its root. */
export function fetched(port: number): Promise<string> {
  return new Promise((done, fail) => {
    get({ host: '127.0.0.1', port }, (response) => {
      let text = '';
      response.on('data', (piece) => {
        text += piece;
      });
      response.on('end', () => done(text));
    }).on('error', fail);
  });
}
