"""Which states each page has, and which test shows it: page × state, a row a page (docs/dashboard.md).

    nothing    nothing there yet: what this is, and the next step
    unfound    a search or filter that finds nothing: drop the filter
    failing    a part of it whose store does not answer: the rest stays
    forbidden  the right is missing: no dead buttons, and the address says 403
    gone       what it is about is no more, or its content is not
    many       10,000 rows: a page of them, in a bounded time

A state that a page cannot have is `-`. A name is that of the test, in any module of tests/web.
"""

from __future__ import annotations

from tests.web import configuration_states, mail_states

STATES = ("nothing", "unfound", "failing", "forbidden", "gone", "many")

# Pattern of the page, and a test's name or `-` for each of STATES in their order.
TABLE = """
/login                                  -  -  -  -  -  -
/auth/oidc                              -  -  -  -  -  -
/auth/oidc/callback                     -  -  -  -  -  -
/login/second                           -  -  -  -  -  -
/confirm                                -  -  -  -  -  -
/login/reset                            -  -  -  -  -  -
/login/reset/{token}                    -  -  -  -  test_links_that_have_ended_say_so  -
/login/email/{token}                    -  -  -  -  test_links_that_have_ended_say_so  -
/invite/{token}                         -  -  -  -  test_links_that_have_ended_say_so  -
/                                       test_nobody_s_start  -  -  -  -  -
/organizations/new                      -  -  -  test_members_do_not_make_organizations  -  -
/org/{org}    test_an_organization_without_a_server_says_what_one_is - - - - test_many_servers_are_a_page_of_them
/org/{org}/servers/new                  -  -  -  test_an_organization_without_a_server_says_what_one_is  -  -
/org/{org}/settings                     -  -  -  test_a_viewer_changes_no_settings  -  -
/org/{org}/settings/delete              -  -  -  test_a_viewer_changes_no_settings  -  -
/org/{org}/keys                         test_a_management_key_is_shown_once  -  -  test_a_viewer_has_no_keys  -  -
/org/{org}/keys/{id}/edit - - - test_a_viewer_has_no_keys test_a_management_key_is_shown_once -
/org/{org}/members - - - test_members_are_seen_by_all_and_changed_by_admins - test_ten_thousand_rows_are_small_pages
/org/{org}/members/{user}               -  -  -  test_members_are_seen_by_all_and_changed_by_admins  -  -
/settings                               -  -  -  -  -  -
/settings/security                      -  -  -  -  -  -
/settings/sessions                      -  -  -  -  -  -
/settings/tokens                        test_keys_that_one_made_are_listed  -  -  -  -  -
/admin -  -  test_checks_that_cannot_be_had_fail_alone  test_the_installation_is_for_operators  -  -
/admin/health -  -  test_checks_that_cannot_be_had_fail_alone  test_the_installation_is_for_operators  -  -
/admin/operations test_nothing_runs_and_the_page_says_so - test_what_cannot_be_had_of_the_work_fails_alone \
    test_the_installation_is_for_operators - -
/admin/users - test_users_are_looked_for_by_address_and_name - test_the_installation_is_for_operators \
    - test_ten_thousand_rows_are_small_pages
/admin/users/{user}                     -  -  -  test_the_installation_is_for_operators  -  -
/admin/organizations - - - test_the_installation_is_for_operators - test_ten_thousand_rows_are_small_pages
/admin/pools                            -  -  -  test_the_installation_is_for_operators  -  -
/admin/sources                          -  -  -  test_the_installation_is_for_operators  -  -
/admin/sources/{source}/edit - - - test_the_installation_is_for_operators test_a_way_out_is_changed -
/admin/settings                         -  -  -  test_the_installation_is_for_operators  -  -
/org/{org}/servers/{server}/start test_a_new_server_has_all_before_it  -  -  test_a_viewer_is_offered_no_step  -  -
/admin/keys/{id}/edit                        -  -  -  test_keys_of_the_installation_are_for_operators  -  -
/admin/keys                             -  -  -  test_keys_of_the_installation_are_for_operators  -  -
"""


def states() -> dict[str, dict[str, str]]:
    """The tests of each page by state."""
    found = {}
    for line in [
        *TABLE.strip().splitlines(),
        *configuration_states.lines(STATES),
        *mail_states.lines(STATES),
    ]:
        pattern, *tests = line.split()
        found[pattern] = dict(zip(STATES, tests, strict=True))
    return found
