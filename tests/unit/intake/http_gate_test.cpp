#include "intake/http_gate.hpp"

#include <gtest/gtest.h>

namespace relay {
namespace {

struct Case {
  const char* listen;
  std::vector<std::string> allowed_hosts;
  std::vector<HttpField> fields;
  std::optional<ProblemName> problem;
};

constexpr auto foreign_host = ProblemName::foreign_host;
constexpr auto foreign_origin = ProblemName::foreign_origin;

class Gate : public testing::TestWithParam<Case> {};

TEST_P(Gate, AnswersItsOwnNamesAndNoForeignPage) {
  const Case& wanted = GetParam();
  const HttpGate gate(*ListenAddress::parse(wanted.listen), wanted.allowed_hosts);
  HttpRequestHead head;
  head.fields = wanted.fields;
  const auto problem = gate.check(head, 8870);
  std::string fields;
  for (const auto& field : wanted.fields) fields += field.name + ": " + field.value + "; ";
  EXPECT_EQ(problem ? std::optional(problem->name) : std::nullopt, wanted.problem) << wanted.listen << ' ' << fields;
}

INSTANTIATE_TEST_SUITE_P(
    Hosts, Gate,
    testing::Values(
        Case{"127.0.0.1:8870", {}, {{"Host", "127.0.0.1:8870"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "127.0.0.1"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "LocalHost:8870"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "[::1]:8870"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "[0:0:0:0:0:0:0:1]"}}, {}},
        Case{"[::1]:8870", {}, {{"Host", "[::1]"}}, {}}, Case{"[::1]:8870", {}, {{"Host", "localhost"}}, {}},
        Case{"127.0.0.2:8870", {}, {{"Host", "127.0.0.2"}}, {}}, Case{"127.0.0.1:8870", {}, {}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", ""}}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost:8871"}}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost:"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "evil.example:8870"}}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost.evil.example"}}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", "127.0.0.2"}}, foreign_host},
        Case{"127.0.0.1:8870", {}, {{"Host", "[::1"}}, foreign_host},
        Case{"10.1.2.3:8870", {}, {{"Host", "10.1.2.3:8870"}}, {}},
        Case{"10.1.2.3:8870", {}, {{"Host", "localhost:8870"}}, foreign_host},
        Case{"10.1.2.3:8870", {}, {{"Host", "127.0.0.1"}}, foreign_host},
        Case{"10.1.2.3:8870", {"relay.lab.example"}, {{"Host", "Relay.Lab.Example"}}, {}},
        Case{"10.1.2.3:8870", {"relay.lab.example"}, {{"Host", "relay.lab.example:8870"}}, {}},
        Case{"10.1.2.3:8870", {"relay.lab.example"}, {{"Host", "relay.lab.example:443"}}, foreign_host},
        Case{"10.1.2.3:8870", {"relay.lab.example:443"}, {{"Host", "relay.lab.example:443"}}, {}},
        Case{"0.0.0.0:8870", {}, {{"Host", "127.0.0.1:8870"}}, {}},
        Case{"0.0.0.0:8870", {}, {{"Host", "10.1.2.3"}}, {}}, Case{"[::]:8870", {}, {{"Host", "[fe80::1]:8870"}}, {}},
        Case{"0.0.0.0:8870", {}, {{"Host", "localhost"}}, {}},
        Case{"0.0.0.0:8870", {}, {{"Host", "10.1.2.3:8871"}}, foreign_host},
        Case{"0.0.0.0:8870", {}, {{"Host", "[evil.example]"}}, foreign_host},
        Case{"0.0.0.0:8870", {}, {{"Host", "evil.example:8870"}}, foreign_host},
        Case{"0.0.0.0:8870", {}, {{"Host", "10.1.2.3.evil.example"}}, foreign_host},
        Case{"unix:/run/x.sock", {}, {{"Host", "any.thing.at.all:1"}}, {}}, Case{"unix:/run/x.sock", {}, {}, {}}));

INSTANTIATE_TEST_SUITE_P(
    Origins, Gate,
    testing::Values(
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "http://localhost:8870"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "http://[::1]:8870"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "http://localhost:3000"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "http://localhost"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "http://evil.example"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "null"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", ""}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Origin", "file://localhost:8870"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"origin", "http://evil.example"}}, foreign_origin},
        Case{"127.0.0.1:8870",
             {"relay.lab.example"},
             {{"Host", "relay.lab.example"}, {"Origin", "https://relay.lab.example"}},
             {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Sec-Fetch-Site", "cross-site"}}, foreign_origin},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Sec-Fetch-Site", "same-origin"}}, {}},
        Case{"127.0.0.1:8870", {}, {{"Host", "localhost"}, {"Sec-Fetch-Site", "none"}}, {}},
        Case{"unix:/run/x.sock", {}, {{"Origin", "http://evil.example"}}, foreign_origin},
        Case{"unix:/run/x.sock", {}, {{"Sec-Fetch-Site", "cross-site"}}, foreign_origin}));

}  // namespace
}  // namespace relay
