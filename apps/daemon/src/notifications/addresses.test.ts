import { describe, expect, it } from 'vitest';
import { Addresses, AddressRefused } from './addresses.js';

const none = new Addresses([]);

describe('addresses of this host and the networks around it', () => {
  it.each([
    '127.0.0.1',
    '127.255.0.9',
    '0.0.0.0',
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '[::1]',
    '[::]',
    '[fe80::1]',
    '[fd00::1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:a9fe:a9fe]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '2130706433',
    '0x7f.1',
    '017700000001',
    'localhost',
    'a.localhost',
  ])('%s is refused', async (host) => {
    expect(none.refusal(`http://${host}/`)).toMatch(/notifications\.allow/);
    await expect(none.resolve(`http://${host}/`)).rejects.toThrow(AddressRefused);
  });

  it.each(['93.184.216.34', '[2606:2800:220:1::1]', '172.32.0.1', '100.128.0.1'])(
    '%s is not one',
    async (host) => {
      expect(none.refusal(`https://${host}/`)).toBeNull();
      await expect(none.resolve(`https://${host}/`)).resolves.toMatchObject({
        address: host.replace(/[[\]]/g, ''),
      });
    },
  );

  it('that are allowed may be sent to, and no others', async () => {
    const some = new Addresses(['127.0.0.0/8', 'fd00::/8']);
    expect([
      some.refusal('http://127.0.0.1:1/'),
      some.refusal('http://localhost/'),
      some.refusal('http://[fd12::1]/'),
    ]).toEqual([null, null, null]);
    expect(some.refusal('http://[::ffff:127.0.0.1]/')).toBeNull();
    expect(some.refusal('http://10.0.0.1/')).not.toBeNull();
  });

  it('are refused behind a name, too: what counts is what it resolves to', async () => {
    const found = [
      { address: '::1', family: 6 },
      { address: '10.0.0.1', family: 4 },
    ];
    await expect(new Addresses([], async () => found).resolve('http://evil.example/')).rejects.toThrow(
      AddressRefused,
    );
    const some = new Addresses(['10.0.0.0/8'], async () => found);
    await expect(some.resolve('http://evil.example/')).resolves.toEqual(found[1]);
  });
});
