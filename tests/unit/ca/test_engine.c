/* A process of the engine, as its callers meet it; run under tests/unit/with-postgres. */
#include "tests/unit/ca/client.h"

int
main(void)
{
	Suite *s = suite_create("siegel-ca");
	suite_add_tcase(s, tcase_requests());
	suite_add_tcase(s, tcase_frames());
	suite_add_tcase(s, tcase_repetition());
	suite_add_tcase(s, tcase_clerk());
	suite_add_tcase(s, tcase_life());
	suite_add_tcase(s, tcase_losses());
	return test_main(s);
}
