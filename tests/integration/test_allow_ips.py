"""`auth.NAME.allow_ips`: from where a namespace's API may be called.

Goal: another address gets 403 and nothing happens, whatever it knows; the pages are for everybody; a proxy's word counts
when it is trusted. Method: one gateway that trusts this machine as a proxy, so that a header chooses the address.
"""

import unittest

from gateway_case import GatewayCase, new_id


class AllowIps(GatewayCase):
    CONFIG = {"app": {"trusted_proxies": ["127.0.0.1"]},
              "auth": {"app": {"allow_ips": ["192.0.2.0/24", "2001:db8::7"]}}}

    def put(self, address, api=None, **headers):
        return (api or self.api).put(new_id(), headers={"X-Forwarded-For": address, **headers})

    def test_allowed_addresses(self):
        for address in ("192.0.2.1", "192.0.2.255", "2001:db8::7", "198.51.100.1, 192.0.2.9"):
            with self.subTest(address):
                self.assert_success(self.put(address))

    def test_others(self):
        for address in ("192.0.3.1", "2001:db8::8", "192.0.2.1, 198.51.100.1"):
            with self.subTest(address):
                self.assert_error(self.put(address), 403, "may not call the API")
        self.assert_error(self.api.put(new_id()), 403)  # the proxy itself

    def test_who_knows_no_secret_learns_nothing_of_it(self):
        self.assert_error(self.put("198.51.100.1", Authorization="Basic YXBwOndyb25n"), 401)

    def test_a_namespace_without_and_the_pages(self):
        self.assert_success(self.put("198.51.100.1", api=self.other))
        made = self.put("192.0.2.1").data
        self.assertEqual(self.api.page(made["id"], headers={"X-Forwarded-For": "198.51.100.1"}).status, 303)


if __name__ == "__main__":
    unittest.main()
