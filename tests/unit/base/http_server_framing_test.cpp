// What the server takes for a request, and what it must not: each smuggling case is one that some pair of real parsers
// read in two ways.
#include <string>
#include <vector>

#include "unit/base/http_server_fixture.hpp"

namespace relay::test {
namespace {

struct Case {
  const char* name;
  std::string request;
};

std::string name_of(const testing::TestParamInfo<Case>& case_info) {
  return case_info.param.name;
}

class Malformed : public HttpServerTest, public testing::WithParamInterface<Case> {};

TEST_P(Malformed, IsAnswered400AndClosed) {
  serve();
  auto connection = client();
  const auto response = connection.exchange(GetParam().request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
  EXPECT_EQ(response->field("connection"), "close");
  connection.end_sending();
  EXPECT_TRUE(connection.at_end());
}

std::string with(const std::string& lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + lines + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    Requests, Malformed,
    testing::Values(
        Case{"LengthAndChunked", with("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
        Case{"ChunkedAndLength", with("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n") + "0\r\n\r\n"},
        Case{"TwoLengths", with("Content-Length: 4\r\nContent-Length: 5\r\n") + "abcd"},
        Case{"LengthList", with("Content-Length: 4, 5\r\n") + "abcd"},
        Case{"SignedLength", with("Content-Length: +4\r\n") + "abcd"},
        Case{"NegativeLength", with("Content-Length: -4\r\n") + "abcd"},
        Case{"HexLength", with("Content-Length: 0x4\r\n") + "abcd"}, Case{"EmptyLength", with("Content-Length:\r\n")},
        Case{"HugeLength", with("Content-Length: 18446744073709551617\r\n")},
        Case{"SpacedLength", with("Content-Length: 4 4\r\n") + "abcd"},
        Case{"UnknownCoding", with("Transfer-Encoding: gzip\r\n")},
        Case{"CodingList", with("Transfer-Encoding: gzip, chunked\r\n") + "0\r\n\r\n"},
        Case{"ChunkedTwice", with("Transfer-Encoding: chunked, chunked\r\n") + "0\r\n\r\n"},
        Case{"TwoCodings", with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n") + "0\r\n\r\n"},
        Case{"QuotedCoding", with("Transfer-Encoding: \"chunked\"\r\n") + "0\r\n\r\n"},
        Case{"CodingWithVerticalTab", with("Transfer-Encoding: \x0b"
                                           "chunked\r\n") +
                                          "0\r\n\r\n"},
        Case{"ChunkedUnderHttp10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        Case{"SpaceBeforeColon", with("Content-Length : 4\r\n") + "abcd"},
        Case{"TabBeforeColon", with("Transfer-Encoding\t: chunked\r\n") + "0\r\n\r\n"},
        Case{"FoldedField", with("X: a\r\n b\r\n")}, Case{"FoldedFirstField", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
        Case{"BareLineFeed", "GET / HTTP/1.1\nHost: a\n\n"},
        Case{"BareLineFeedInFields", with("X: a\nContent-Length: 4\r\n")},
        Case{"BareCarriageReturn", with("X: a\rContent-Length: 4\r\n")},
        Case{"NulInField", with(std::string("X: a\0b\r\n", 8))}, Case{"EmptyFieldName", with(": a\r\n")},
        Case{"NoColon", with("Xa\r\n")}, Case{"SpaceInFieldName", with("X Y: a\r\n")},
        Case{"NoHost", "GET / HTTP/1.1\r\n\r\n"}, Case{"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"},
        Case{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"},
        Case{"HostWithUser", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"},
        Case{"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"},
        Case{"TargetContradictsHost", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TargetWithoutSlash", "GET x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TargetWithFragment", "GET /x#y HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TargetNotAscii", "GET /\xC3\xA4 HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TargetOfConnect", "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"StarOfGet", "GET * HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"SpaceInTarget", "GET /x y HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TwoSpaces", "GET  /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"TabBetween", "GET\t/x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"SpaceFirst", " GET /x HTTP/1.1\r\nHost: a\r\n\r\n"},
        Case{"BadMethod", "G(T /x HTTP/1.1\r\nHost: a\r\n\r\n"}, Case{"NoVersion", "GET /x\r\n"},
        Case{"OtherVersion", "GET /x HTTP/1.2\r\nHost: a\r\n\r\n"},
        Case{"LowerCaseVersion", "GET /x http/1.1\r\nHost: a\r\n\r\n"},
        Case{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        Case{"TlsHello", std::string("\x16\x03\x01\x02\x00\x01\x00", 7)}),
    name_of);

class MalformedChunks : public HttpServerTest, public testing::WithParamInterface<Case> {};

TEST_P(MalformedChunks, EndTheBodyWithAnErrorAndTheConnection) {
  serve();
  auto connection = client();
  const auto response = connection.exchange(with("Transfer-Encoding: chunked\r\n") + GetParam().request);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 400);
  connection.end_sending();
  EXPECT_TRUE(connection.at_end());
}

INSTANTIATE_TEST_SUITE_P(Bodies, MalformedChunks,
                         testing::Values(Case{"NoSize", "\r\nabc\r\n0\r\n\r\n"}, Case{"SizeNotHex", "g\r\n"},
                                         Case{"SignedSize", "+3\r\nabc\r\n0\r\n\r\n"},
                                         Case{"HexPrefix", "0x3\r\nabc\r\n0\r\n\r\n"},
                                         Case{"SizeOverflow", "10000000000000003\r\nabc\r\n0\r\n\r\n"},
                                         Case{"LineFeedAfterSize", "3\nabc\r\n0\r\n\r\n"},
                                         Case{"LineFeedInExtension", "3;a=\"\n\"\r\nabc\r\n0\r\n\r\n"},
                                         Case{"LineFeedBehindSemicolon", "3;\nabc\r\n0\r\n\r\n"},
                                         Case{"NoLineEndBehindBytes", "3\r\nabcd\r\n0\r\n\r\n"},
                                         Case{"EndlessSizeLine", "3;a=" + std::string(40'000, 'b')}),
                         name_of);

using Framing = HttpServerTest;

TEST_F(Framing, TakesFixedAndChunkedBodiesOneAfterTheOtherOnOneConnection) {
  serve();
  auto connection = client();
  EXPECT_EQ(connection.exchange("POST /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")->body,
            "POST /a b=c hello");
  EXPECT_EQ(connection
                .exchange("PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
                          "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\n")
                ->body,
            "PUT /a  abc0123456789");
  EXPECT_EQ(connection.exchange(get_request)->body, "GET /x  ");
}

TEST_F(Framing, AnswersPipelinedRequestsInOrder) {
  serve();
  auto connection = client();
  std::string requests;
  for (int i = 0; i < 50; ++i) {
    const std::string body(static_cast<std::size_t>(i) * 7, 'b');
    requests += "POST /" + std::to_string(i) +
                " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  ASSERT_TRUE(connection.send(requests));
  for (int i = 0; i < 50; ++i) {
    const auto response = connection.read_response();
    ASSERT_TRUE(response) << i;
    EXPECT_EQ(response->body, "POST /" + std::to_string(i) + "  " + std::string(static_cast<std::size_t>(i) * 7, 'b'));
  }
}

TEST_F(Framing, TakesARequestThatComesByteByByte) {
  serve();
  auto connection = client();
  const std::string request =
      "\r\nPOST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
      "chunked\r\n\r\n4\r\nwxyz\r\n1;q=\"r\"\r\n!\r\n0\r\n\r\n";
  for (const char byte : request) ASSERT_TRUE(connection.send({&byte, 1}));
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "POST /slow  wxyz!");
}

TEST_F(Framing, TakesAMegabyteInOnePieceAndInOneChunk) {
  serve();
  auto connection = client();
  std::string bytes(1'000'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  EXPECT_EQ(connection.exchange("POST /f HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + bytes)->body,
            "POST /f  " + bytes);
  EXPECT_EQ(connection
                .exchange("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n" + bytes +
                          "\r\n0\r\n\r\n")
                ->body,
            "POST /c  " + bytes);
}

TEST_F(Framing, TakesAnAbsoluteTargetWhoseAuthorityIsTheHost) {
  serve();
  EXPECT_EQ(client().exchange("GET http://A:80/x?y HTTP/1.1\r\nHost: a:80\r\n\r\n")->body, "GET /x y ");
}

TEST_F(Framing, AnswersHeadWithoutABodyButWithItsLength) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n"));
  const auto head = connection.read_response(true);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->field("content-length"), "9");
  EXPECT_EQ(connection.exchange(get_request)->body, "GET /x  ");
}

TEST_F(Framing, RefusesAHeaderSectionOver16KiBWith431) {
  serve();
  const auto request_of = [](std::size_t section) {
    const std::string start = "GET /x HTTP/1.1\r\nHost: a\r\nX: ";
    return start + std::string(section - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(client().exchange(request_of(16 * 1024))->status, 200);
  EXPECT_EQ(client().exchange(request_of(16 * 1024 + 1))->status, 431);
  EXPECT_EQ(client().exchange(request_of(1'000'000))->status, 431);
}

TEST_F(Framing, ClosesAnHttp10ConnectionUnlessItAsksToBeKept) {
  serve();
  auto closing = client();
  EXPECT_EQ(closing.exchange("GET /x HTTP/1.0\r\n\r\n")->field("connection"), "close");
  EXPECT_TRUE(closing.at_end());
  auto kept = client();
  EXPECT_EQ(kept.exchange("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")->field("connection"), "keep-alive");
  EXPECT_EQ(kept.exchange(get_request)->status, 200);
}

TEST_F(Framing, ClosesWhenTheClientSaysSo) {
  serve();
  auto connection = client();
  EXPECT_EQ(connection.exchange("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")->field("connection"),
            "close");
  EXPECT_TRUE(connection.at_end());
}

TEST_F(Framing, SaysContinueOnlyWhenTheBodyIsRead) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_TRUE(connection.read_continue());
  EXPECT_EQ(connection.exchange("ok")->body, "POST /x  ok");

  handler_ = refuse;
  auto refused = client();
  ASSERT_TRUE(refused.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
  EXPECT_FALSE(refused.read_continue());
  EXPECT_EQ(refused.read_response()->status, 413);
}

TEST_F(Framing, LetsTheClientSeeARefusalThatCameBeforeItsBodyWasSent) {
  handler_ = refuse;
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n"));
  const std::string piece(100'000, 'x');
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(connection.send(piece)) << "reset while sending, after " << i;
  const auto response = connection.read_response();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 413);
  EXPECT_EQ(response->field("connection"), "close");
  EXPECT_TRUE(connection.at_end());
}

TEST_F(Framing, CallsABodyThatEndsTooSoonMalformed) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab"));
  connection.end_sending();
  EXPECT_EQ(connection.read_response()->status, 400);
}

TEST_F(Framing, AnswersAClientThatHasShutItsSideDown) {
  serve();
  auto connection = client();
  ASSERT_TRUE(connection.send(get_request));
  connection.end_sending();
  EXPECT_EQ(connection.read_response()->status, 200);
  EXPECT_TRUE(connection.at_end());
}

TEST_F(Framing, NeverLetsALineEndIntoAHeader) {
  handler_ = [](const HttpRequestHead&, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    HttpResponse response;
    response.fields.push_back({"X", "a\r\nSet-Cookie: b"});
    co_return response;
  };
  serve();
  const auto response = client().exchange(get_request);
  EXPECT_EQ(response->field("x"), "aSet-Cookie: b");
  EXPECT_EQ(response->field("set-cookie"), "");
}

TEST_F(Framing, DecodesQueryParameters) {
  std::optional<std::string> plain, escaped, absent, broken;
  handler_ = [&](const HttpRequestHead& head, HttpBody&) -> boost::asio::awaitable<HttpResponse> {
    plain = head.query_parameter("a");
    escaped = head.query_parameter("b c");
    absent = head.query_parameter("d");
    broken = head.query_parameter("e");
    co_return HttpResponse{};
  };
  serve();
  ASSERT_TRUE(client().exchange("GET /x?a=1+2&b%20c=%C3%A4%26&e=%zz HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_EQ(plain, "1 2");
  EXPECT_EQ(escaped, "\xC3\xA4&");
  EXPECT_EQ(absent, std::nullopt);
  EXPECT_EQ(broken, std::nullopt);
}

}  // namespace
}  // namespace relay::test
