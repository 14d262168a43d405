/* The engine's parts on a real store and a real token; run under tests/unit/with-postgres. */
#include "tests/unit/ca/house.h"

int
main(void)
{
	Suite *s = suite_create("ca on a store");
	suite_add_tcase(s, tcase_bootstrap());
	suite_add_tcase(s, tcase_registry());
	suite_add_tcase(s, tcase_doors());
	suite_add_tcase(s, tcase_batch());
	suite_add_tcase(s, tcase_signer());
	suite_add_tcase(s, tcase_ra());
	suite_add_tcase(s, tcase_acme_mac());
	suite_add_tcase(s, tcase_second_factor());
	suite_add_tcase(s, tcase_crl());
	suite_add_tcase(s, tcase_algorithms());
	return test_main(s);
}
