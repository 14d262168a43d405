#!/bin/sh
# test_handle needs a store.
exec "${srcdir:-.}/tests/unit/with-postgres" "$PWD/tests/unit/est/test_handle"
