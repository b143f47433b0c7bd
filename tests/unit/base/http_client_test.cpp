#include "base/http_client.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/digest.hpp"
#include "support/fault_http_server.hpp"
#include "support/test_certificate.hpp"

namespace relay {
namespace {

using namespace std::chrono_literals;
using Kind = FaultAnswer::Kind;

FaultAnswer respond(unsigned status, std::string body = {}) {
  return {Kind::respond, status, {}, std::move(body)};
}
FaultAnswer fault(Kind kind) {
  return {kind, 200, {}, {}};
}

HttpClientRequest get(std::string url) {
  HttpClientRequest request;
  request.url = std::move(url);
  request.timeout = 20s;
  return request;
}

HttpClientRequest send(std::string method, std::string url, std::string body) {
  HttpClientRequest request = get(std::move(url));
  request.method = std::move(method);
  request.body = std::move(body);
  return request;
}

TransferResult outcome_of(HttpClient& client, HttpClientRequest request) {
  client.start(1, std::move(request));
  for (;;) {
    auto results = client.poll(1s);
    if (!results.empty()) return std::move(results.front());
  }
}

HttpClientResponse response_of(HttpClient& client, HttpClientRequest request) {
  TransferResult result = outcome_of(client, std::move(request));
  if (const auto* error = std::get_if<TransferError>(&result.result)) {
    ADD_FAILURE() << error->message;
    return {};
  }
  return std::get<HttpClientResponse>(result.result);
}

TransferError error_of(HttpClient& client, HttpClientRequest request) {
  TransferResult result = outcome_of(client, std::move(request));
  if (std::holds_alternative<HttpClientResponse>(result.result)) {
    ADD_FAILURE() << "an answer came";
    return {};
  }
  return std::get<TransferError>(result.result);
}

// Bytes that tell where they are; fails at an offset where told to.
class PatternBody final : public HttpBodySource {
 public:
  explicit PatternBody(std::uint64_t size, std::uint64_t fails_at = UINT64_MAX) : size_(size), fails_at_(fails_at) {}
  ByteCount size() const override { return {size_}; }
  Result<std::string> read(std::uint64_t offset, std::size_t limit) override {
    largest_read = std::max(largest_read, limit);
    if (offset + limit > fails_at_) return fail("unreadable");
    std::string bytes(limit, '\0');
    for (std::size_t i = 0; i < limit; ++i) bytes[i] = static_cast<char>((offset + i) * 7 % 251);
    return bytes;
  }
  std::string all() { return *read(0, static_cast<std::size_t>(size_)); }
  std::size_t largest_read = 0;

 private:
  std::uint64_t size_;
  std::uint64_t fails_at_;
};

std::uint16_t free_port() {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  return server.port();
}

TEST(HttpClient, GivesStatusHeadersAndBody) {
  FaultHttpServer server([](const SeenRequest&) {
    return FaultAnswer{Kind::respond, 418, {{"X-Thing", "  one "}, {"x-thing", "two"}, {"Empty", ""}}, "tea"};
  });
  HttpClient client({});
  const auto response = response_of(client, get(server.url() + "/a?b=c"));
  EXPECT_EQ(response.status, 418U);
  EXPECT_EQ(response.body, "tea");
  EXPECT_EQ(response.header("x-thing"), "one");
  EXPECT_EQ(response.header("empty"), "");
  EXPECT_FALSE(response.header("missing"));
  EXPECT_EQ(server.requests()[0].target, "/a?b=c");
}

TEST(HttpClient, SendsExactlyTheHeadersThatWereAskedFor) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClientOptions options;
  options.user_agent = "edge-relay/1 (site)";
  HttpClient client(options);
  auto request = send("POST", server.url(), std::string(3'000'000, 'x'));
  request.headers = {{"x-ms-version", "2021-12-02"}, {"x-empty", ""}};
  EXPECT_EQ(response_of(client, std::move(request)).status, 200U);
  const auto headers = server.requests()[0].headers;
  EXPECT_EQ(headers.at("user-agent"), "edge-relay/1 (site)");
  EXPECT_EQ(headers.at("x-ms-version"), "2021-12-02");
  EXPECT_EQ(headers.at("x-empty"), "");
  EXPECT_EQ(headers.at("content-length"), "3000000");
  EXPECT_FALSE(headers.contains("expect"));
  EXPECT_FALSE(headers.contains("transfer-encoding"));
  EXPECT_FALSE(headers.contains("content-type"));
}

TEST(HttpClient, SendsAnEmptyBodyWithItsLength) {
  FaultHttpServer server([](const SeenRequest&) { return respond(201); });
  HttpClient client({});
  for (const char* method : {"PUT", "POST"}) {
    EXPECT_EQ(response_of(client, send(method, server.url(), "")).status, 201U);
    EXPECT_EQ(server.requests().back().method, method);
    EXPECT_EQ(server.requests().back().headers.at("content-length"), "0");
  }
}

TEST(HttpClient, ALineBreakNeverGetsIntoAHeader) {
  HttpClient client({});
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"x-a", "one\r\nx-b: two"},
                                                                                    {"x-a", "one\ntwo"},
                                                                                    {"x-a\r\n", "one"},
                                                                                    {"x-a: b", "c"},
                                                                                    {"", "c"},
                                                                                    {"x-a", std::string("a\0b", 3)}}) {
    auto request = get("http://127.0.0.1:1/");
    request.headers = {{name, value}};
    EXPECT_THROW(client.start(1, std::move(request)), std::invalid_argument);
  }
  EXPECT_EQ(client.in_flight(), 0U);
}

TEST(HttpClient, StreamsABodyInBoundedPieces) {
  FaultHttpServer server([](const SeenRequest&) { return respond(201); });
  HttpClient client({});
  const auto body = std::make_shared<PatternBody>(5'000'001);
  auto request = get(server.url());
  request.method = "PUT";
  request.body = body;
  EXPECT_EQ(response_of(client, std::move(request)).status, 201U);
  EXPECT_EQ(server.requests()[0].body, PatternBody(5'000'001).all());
  EXPECT_LE(body->largest_read, 64U * 1024);
}

TEST(HttpClient, ABodyThatCantBeReadNeverArrivesWhole) {
  FaultHttpServer server([](const SeenRequest&) { return respond(201); });
  HttpClient client({});
  auto request = get(server.url());
  request.method = "PUT";
  request.body = std::make_shared<PatternBody>(1'000'000, 999'999);
  const auto error = error_of(client, std::move(request));
  EXPECT_EQ(error.failure, TransferFailure::body_failed);
  EXPECT_FALSE(error.request_sent);
  server.stop();
  EXPECT_TRUE(server.requests().empty());
}

TEST(HttpClient, KeepsConnections) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClient client({});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(response_of(client, send("POST", server.url(), "body")).status, 200U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, OpensNoMoreConnectionsThanAllowed) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClientOptions options;
  options.max_connections = 3;
  HttpClient client(options);
  for (std::uint64_t i = 0; i < 40; ++i) client.start(i, send("POST", server.url(), std::string(1000, 'x')));
  EXPECT_EQ(client.in_flight(), 40U);
  std::vector<std::uint64_t> done;
  while (client.in_flight() > 0)
    for (const auto& result : client.poll(1s)) done.push_back(result.transfer);
  std::sort(done.begin(), done.end());
  EXPECT_EQ(done.size(), 40U);
  EXPECT_EQ(std::unique(done.begin(), done.end()), done.end());
  EXPECT_LE(server.connections(), 3U);
}

TEST(HttpClient, NeverFollowsARedirect) {
  FaultHttpServer other([](const SeenRequest&) { return respond(200); });
  FaultHttpServer server([&](const SeenRequest&) {
    return FaultAnswer{Kind::respond, 302, {{"Location", other.url() + "/portal"}}, ""};
  });
  HttpClient client({});
  EXPECT_EQ(response_of(client, get(server.url())).status, 302U);
  EXPECT_EQ(other.connections(), 0U);
}

TEST(HttpClient, CutsALongAnswerAndSaysSo) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200, std::string(100'000, 'y')); });
  HttpClient client({});
  auto request = get(server.url());
  request.response_limit = {1000};
  const auto response = response_of(client, std::move(request));
  EXPECT_EQ(response.body.size(), 1000U);
  EXPECT_TRUE(response.body_truncated);
  EXPECT_EQ(response_of(client, get(server.url())).body.size(), 100'000U);
  EXPECT_EQ(server.connections(), 1U);
}

TEST(HttpClient, TakesOtherSchemesForNoAddress) {
  HttpClient client({});
  for (const char* url : {"file:///etc/passwd", "ftp://127.0.0.1/", "not a url"})
    EXPECT_FALSE(error_of(client, get(url)).request_sent) << url;
}

TEST(HttpClient, TellsRefusedFromUnknownName) {
  HttpClient client({});
  const auto refused = error_of(client, get("http://127.0.0.1:" + std::to_string(free_port())));
  EXPECT_EQ(refused.failure, TransferFailure::unreachable);
  EXPECT_FALSE(refused.request_sent);
  EXPECT_NE(refused.message.find("Connection refused"), std::string::npos) << refused.message;
  const auto unknown = error_of(client, get("http://no-such-host.invalid/"));
  EXPECT_EQ(unknown.failure, TransferFailure::dns);
  EXPECT_NE(unknown.message.find("no-such-host.invalid"), std::string::npos);
}

TEST(HttpClient, AnAnswerThatDoesntComeIsATimeoutAfterTheRequestWasSent) {
  FaultHttpServer server([](const SeenRequest&) { return fault(Kind::hang); });
  HttpClient client({});
  for (const std::string& body : {std::string(), std::string("x"), std::string(400'000, 'x')}) {
    auto request = send("POST", server.url(), body);
    request.timeout = 300ms;
    const auto error = error_of(client, std::move(request));
    EXPECT_EQ(error.failure, TransferFailure::timeout);
    EXPECT_TRUE(error.request_sent) << body.size();
  }
}

TEST(HttpClient, AKeptConnectionThatFallsSilentIsATimeoutAfterTheRequestWasSent) {
  FaultHttpServer server(
      [](const SeenRequest& request) { return request.target == "/hang" ? fault(Kind::hang) : respond(200); });
  HttpClient client({});
  for (const std::string& body : {std::string(), std::string("x"), std::string(400'000, 'x')}) {
    EXPECT_EQ(response_of(client, get(server.url())).status, 200U);
    auto request = send("POST", server.url() + "/hang", body);
    request.timeout = 300ms;
    const auto error = error_of(client, std::move(request));
    EXPECT_EQ(error.failure, TransferFailure::timeout) << error.message;
    EXPECT_TRUE(error.request_sent) << body.size();
  }
}

TEST(HttpClient, AServerThatTakesNoBodyIsATimeoutBeforeTheRequestWasSent) {
  FaultHttpServer server([](const SeenRequest&) { return fault(Kind::stall); });
  server.answer_before_body(true);
  HttpClient client({});
  auto request = get(server.url());
  request.method = "PUT";
  request.timeout = 300ms;
  request.body = std::make_shared<PatternBody>(50'000'000);
  const auto error = error_of(client, std::move(request));
  EXPECT_EQ(error.failure, TransferFailure::timeout);
  EXPECT_FALSE(error.request_sent);
}

TEST(HttpClient, AConnectionThatEndsWithoutAnAnswerIsAResetAfterTheRequestWasSent) {
  HttpClient client({});
  for (const Kind kind : {Kind::close, Kind::reset, Kind::garbage}) {
    FaultHttpServer server([kind](const SeenRequest&) { return fault(kind); });
    for (const auto& [method, body] :
         {std::pair<std::string, std::string>{"POST", "message"}, {"PUT", std::string(300'000, 'x')}, {"GET", ""}}) {
      const auto error = error_of(client, send(method, server.url(), body));
      EXPECT_EQ(error.failure, TransferFailure::reset) << method;
      EXPECT_TRUE(error.request_sent) << method;
    }
  }
}

TEST(HttpClient, HalfAnAnswerIsNoAnswer) {
  FaultHttpServer server([](const SeenRequest&) {
    return FaultAnswer{Kind::close_in_body, 201, {}, "<MessageId>one</MessageId>"};
  });
  HttpClient client({});
  const auto error = error_of(client, send("POST", server.url(), "message"));
  EXPECT_EQ(error.failure, TransferFailure::reset);
  EXPECT_TRUE(error.request_sent);
}

// The server closes a kept connection just as the next request arrives: libcurl alone would repeat it in silence.
TEST(HttpClient, APostOverADeadKeptConnectionIsNotRepeatedInSilence) {
  std::atomic<int> posts = 0;
  FaultHttpServer server([&](const SeenRequest& request) {
    if (request.method == "GET") return respond(200);
    ++posts;
    return fault(Kind::close);
  });
  HttpClient client({});
  EXPECT_EQ(response_of(client, get(server.url())).status, 200U);
  const auto error = error_of(client, send("POST", server.url(), "message"));
  EXPECT_EQ(error.failure, TransferFailure::reset);
  EXPECT_TRUE(error.request_sent);
  EXPECT_EQ(posts, 1);
}

TEST(HttpClient, APutOverADeadKeptConnectionIsRepeatedWhole) {
  std::atomic<int> puts = 0;
  FaultHttpServer server([&](const SeenRequest& request) {
    if (request.method == "PUT" && ++puts == 1) return fault(Kind::close);
    return respond(201);
  });
  HttpClient client({});
  EXPECT_EQ(response_of(client, get(server.url())).status, 201U);
  auto request = get(server.url());
  request.method = "PUT";
  request.body = std::make_shared<PatternBody>(300'000);
  EXPECT_EQ(response_of(client, std::move(request)).status, 201U);
  EXPECT_EQ(puts, 2);
  EXPECT_EQ(server.requests().back().body, PatternBody(300'000).all());
}

TEST(HttpClient, AnEarlyRefusalIsSeenBeforeTheBodyIsThrough) {
  FaultHttpServer server([](const SeenRequest&) {
    return FaultAnswer{Kind::respond, 413, {{"Connection", "close"}}, "too large"};
  });
  server.answer_before_body(true);
  HttpClient client({});
  auto request = get(server.url());
  request.method = "PUT";
  request.body = std::make_shared<PatternBody>(60'000);  // fits the sockets' buffers: no reset races the answer
  EXPECT_EQ(response_of(client, std::move(request)).status, 413U);
}

TEST(HttpClient, VerifiesTheServersCertificate) {
  const auto certificate = make_test_certificate();
  FaultHttpServer server([](const SeenRequest&) { return respond(200); }, 0, certificate);
  HttpClient trusting_nobody_here({});
  const auto error = error_of(trusting_nobody_here, get(server.url()));
  EXPECT_EQ(error.failure, TransferFailure::tls);
  EXPECT_FALSE(error.request_sent);
  EXPECT_TRUE(server.requests().empty());

  HttpClientOptions with_text;
  with_text.ca_file = certificate.certificate_pem;
  HttpClient by_text(with_text);
  EXPECT_EQ(response_of(by_text, send("POST", server.url(), "x")).status, 200U);

  const auto file = std::filesystem::temp_directory_path() / ("ca-" + std::to_string(::getpid()) + ".pem");
  std::ofstream(file) << certificate.certificate_pem;
  HttpClientOptions with_file;
  with_file.ca_file = file.string();
  HttpClient by_file(with_file);
  EXPECT_EQ(response_of(by_file, get(server.url())).status, 200U);
  std::filesystem::remove(file);
}

TEST(HttpClient, SaysWhatIsWrongWithACertificate) {
  for (const bool expired : {true, false}) {
    const auto certificate = make_test_certificate(expired ? "localhost" : "elsewhere.example", expired);
    FaultHttpServer server([](const SeenRequest&) { return respond(200); }, 0, certificate);
    HttpClientOptions options;
    options.ca_file = certificate.certificate_pem;
    HttpClient client(options);
    const auto error = error_of(client, get(server.url()));
    EXPECT_EQ(error.failure, TransferFailure::tls);
    EXPECT_NE(error.message.find(expired ? "expired" : "host name"), std::string::npos) << error.message;
  }
}

TEST(HttpClient, APlainServerBehindHttpsIsATlsFailure) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClient client({});
  EXPECT_EQ(error_of(client, get("https://127.0.0.1:" + std::to_string(server.port()))).failure, TransferFailure::tls);
}

class HttpClientProxy : public ::testing::Test {
 protected:
  HttpClientOptions options_for(const FaultHttpServer& proxy) {
    HttpClientOptions options;
    options.proxy = "http://127.0.0.1:" + std::to_string(proxy.port());
    options.ca_file = certificate.certificate_pem;
    return options;
  }
  const TestCertificate certificate = make_test_certificate();
};

TEST_F(HttpClientProxy, TunnelsWithItsOwnCredentialsAndNoneOfTheServers) {
  FaultHttpServer proxy(
      [](const SeenRequest& request) { return request.method == "CONNECT" ? fault(Kind::tunnel) : respond(201); }, 0,
      certificate);
  HttpClientOptions options = options_for(proxy);
  options.proxy_credentials = Secret("relay:p%41ss:word");
  HttpClient client(options);
  auto request = send("POST", "https://localhost:65001/queue", "message");
  request.headers = {{"Authorization", "SharedKey secret"}};
  EXPECT_EQ(response_of(client, std::move(request)).status, 201U);
  const auto seen = proxy.requests();
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].target, "localhost:65001");
  EXPECT_EQ(seen[0].headers.at("proxy-authorization"), "Basic " + base64_encode("relay:p%41ss:word"));
  EXPECT_FALSE(seen[0].headers.contains("authorization"));
  EXPECT_FALSE(seen[1].headers.contains("proxy-authorization"));
  EXPECT_EQ(seen[1].body, "message");
}

TEST_F(HttpClientProxy, ARefusedTunnelIsTheProxys) {
  for (const unsigned status : {407U, 403U, 502U}) {
    FaultHttpServer proxy([status](const SeenRequest&) { return respond(status, "<html>no</html>"); });
    HttpClient client(options_for(proxy));
    const auto error = error_of(client, send("POST", "https://localhost:65001/", "message"));
    EXPECT_EQ(error.failure, TransferFailure::proxy);
    EXPECT_FALSE(error.request_sent);
    EXPECT_NE(error.message.find(std::to_string(status)), std::string::npos) << error.message;
  }
}

TEST_F(HttpClientProxy, A407OfAPlainRequestIsTheProxys) {
  FaultHttpServer proxy([](const SeenRequest&) { return respond(407); });
  HttpClient client(options_for(proxy));
  const auto error = error_of(client, send("POST", "http://localhost:65001/", "message"));
  EXPECT_EQ(error.failure, TransferFailure::proxy);
  EXPECT_FALSE(error.request_sent);
}

TEST_F(HttpClientProxy, AnUnreachableProxyIsNamed) {
  HttpClientOptions options;
  options.proxy = "http://127.0.0.1:" + std::to_string(free_port());
  HttpClient client(options);
  const auto error = error_of(client, get("http://localhost:65001/"));
  EXPECT_EQ(error.failure, TransferFailure::proxy);
  EXPECT_NE(error.message.find(options.proxy.substr(7)), std::string::npos) << error.message;
  options.proxy = "http://no-such-proxy.invalid:3128";
  HttpClient without_address(options);
  EXPECT_EQ(error_of(without_address, get("http://localhost:65001/")).failure, TransferFailure::proxy);
}

TEST_F(HttpClientProxy, AProxyThatAnswersNothingIsTheProxys) {
  FaultHttpServer proxy([](const SeenRequest&) { return fault(Kind::hang); });
  HttpClient client(options_for(proxy));
  auto request = get("https://localhost:65001/");
  request.timeout = 300ms;
  const auto error = error_of(client, std::move(request));
  EXPECT_EQ(error.failure, TransferFailure::proxy);
  EXPECT_FALSE(error.request_sent);
}

TEST_F(HttpClientProxy, NoProxyTakesNamesSuffixesAddressesAndNetworks) {
  FaultHttpServer proxy([](const SeenRequest&) { return respond(502); });
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  const std::string port = std::to_string(server.port());
  for (const auto& [entry, host, direct] :
       std::vector<std::tuple<std::string, std::string, bool>>{{"127.0.0.0/8", "127.0.0.1", true},
                                                               {"127.0.0.1", "127.0.0.1", true},
                                                               {"localhost", "localhost", true},
                                                               {".localhost", "a.localhost", true},
                                                               {"10.0.0.0/8", "127.0.0.1", false},
                                                               {"other", "localhost", false}}) {
    HttpClientOptions options = options_for(proxy);
    options.no_proxy = {"first.example", entry};
    HttpClient client(options);
    EXPECT_EQ(response_of(client, get("http://" + host + ":" + port)).status, direct ? 200U : 502U) << entry;
  }
}

TEST_F(HttpClientProxy, TheEnvironmentDoesntCount) {
  ::setenv("http_proxy", "http://127.0.0.1:1", 1);
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClient client({});
  EXPECT_EQ(response_of(client, get(server.url())).status, 200U);
  ::unsetenv("http_proxy");
}

TEST(HttpClient, SpeaksOverAUnixSocket) {
  const std::string path = (std::filesystem::temp_directory_path() / ("http-" + std::to_string(::getpid()))).string();
  const int listener = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 1), 0);
  std::thread server([listener] {
    const int connection = ::accept(listener, nullptr, nullptr);
    char buffer[4096];
    (void)!::read(connection, buffer, sizeof buffer);
    const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    (void)!::write(connection, answer.data(), answer.size());
    ::close(connection);
  });
  HttpClientOptions options;
  options.unix_socket = path;
  HttpClient client(options);
  EXPECT_EQ(response_of(client, get("http://localhost/health")).body, "ok");
  server.join();
  ::close(listener);
  std::filesystem::remove(path);
  const auto error = error_of(client, get("http://localhost/health"));
  EXPECT_EQ(error.failure, TransferFailure::unreachable);
  EXPECT_NE(error.message.find(path), std::string::npos) << error.message;
}

TEST(HttpClient, WakeEndsAPollThatWaits) {
  HttpClient client({});
  std::thread waker([&client] { client.wake(); });
  EXPECT_TRUE(client.poll(std::chrono::hours(1)).empty());  // would outlast any test
  waker.join();
}

TEST(HttpClient, CancelledTransfersGiveNoResultAndTheClientGoesOn) {
  FaultHttpServer server(
      [](const SeenRequest& request) { return request.target == "/hang" ? fault(Kind::hang) : respond(200); });
  HttpClient client({});
  for (std::uint64_t i = 0; i < 5; ++i) client.start(i, send("POST", server.url() + "/hang", "x"));
  client.start(5, get("http://no-such-host.invalid/"));
  client.poll(50ms);
  client.cancel_all();
  EXPECT_EQ(client.in_flight(), 0U);
  EXPECT_TRUE(client.poll(0ms).empty());
  EXPECT_EQ(response_of(client, get(server.url())).status, 200U);
}

TEST(HttpClient, AServerThatWasAwayIsFoundAgain) {
  FaultHttpServer server([](const SeenRequest&) { return respond(200); });
  HttpClient client({});
  EXPECT_EQ(response_of(client, get(server.url())).status, 200U);
  server.stop();
  EXPECT_EQ(error_of(client, send("POST", server.url(), "x")).failure, TransferFailure::unreachable);
  server.start();
  EXPECT_EQ(response_of(client, send("POST", server.url(), "x")).status, 200U);
}

}  // namespace
}  // namespace relay
