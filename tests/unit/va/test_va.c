#include <config.h>

#include "tests/unit/va/suites.h"

#include <stdlib.h>

int
main(void)
{
	Suite *s = suite_create("va");
	SRunner *r;
	int failed;

	suite_add_tcase(s, tcase_ocsp_request());
	suite_add_tcase(s, tcase_ocsp_response());
	suite_add_tcase(s, tcase_signer_set());
	suite_add_tcase(s, tcase_responder());
	suite_add_tcase(s, tcase_handler());
	suite_add_tcase(s, tcase_pool());
	r = srunner_create(s);
	srunner_run_all(r, CK_NORMAL);
	failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
