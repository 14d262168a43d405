#!/bin/sh
# test_auth needs a store.
exec "${srcdir:-.}/tests/unit/with-postgres" "$PWD/tests/unit/auth/test_auth"
