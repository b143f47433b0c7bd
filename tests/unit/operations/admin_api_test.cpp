// The operator endpoint as it is: real listeners, real journal, a real client over the socket and over TCP.
#include "operations/admin_api.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>
#include <boost/asio/io_context.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/http_client.hpp"
#include "operations/admin_listener.hpp"
#include "operations/command_line.hpp"

namespace relay {
namespace {

namespace json = boost::json;

constexpr const char* nobody = "01934f3c-8a4e-7b3a-9c1d-0123456789ab";

class AdminApiTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = "/tmp/edge-relay-admin-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    JournalOptions options;
    options.path = (folder_ / "journal.db").native();
    options.allow_tmpfs = true;
    options.min_free_disk = {1};
    options.destinations = {"archive"};
    auto opened = open_journal(options, system_clock());
    ASSERT_TRUE(opened.ok()) << opened.error().message;
    journal_ = std::move(opened).value();

    settings_.clients = {"lab.*"};
    receiver_ = std::make_unique<Receiver>(settings_.intake, settings_.clients,
                                           RouteTable({}, {"archive"}, {{"archive", DestinationLimits{}}}), *journal_,
                                           system_clock());
    overview_ = std::make_unique<Overview>(*journal_, system_clock(), std::vector<ConfiguredDestination>{{"archive"}},
                                           std::vector<std::string>{}, std::vector<WatchedCertificate>{});
    forwarder_ = std::make_unique<Forwarder>(*journal_, system_clock());
    destinations_ = std::make_unique<RunningDestinations>(
        *forwarder_, RunningDestinations::Limits{{"archive", DestinationLimits{}}});
    api_ =
        std::make_unique<AdminApi>(*overview_, *journal_, *receiver_, system_clock(), "lab-014.submit", *destinations_,
                                   AdminAccess(BearerTokens({{sha256("a-token"), "on-call"}}), false));
    socket_ = add_listener({"", 0, (folder_ / "admin.sock").native()});
    tcp_ = add_listener({"127.0.0.1", 0, ""});
    thread_ = std::thread([this] { context_.run(); });

    std::ofstream(folder_ / "edge-relay.yaml") << "admin: {socket: " << (folder_ / "admin.sock").native() << "}\n";
  }

  void TearDown() override {
    std::promise<void> drained[2];
    socket_->stop([&] { drained[0].set_value(); });
    tcp_->stop([&] { drained[1].set_value(); });
    for (auto& each : drained) each.get_future().wait();
    work_.reset();
    thread_.join();
    journal_->close();
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<AdminListener> add_listener(const ListenAddress& listen) {
    HttpServerOptions options;
    options.listen = listen;
    auto listener = std::make_unique<AdminListener>(context_, options, std::vector<std::string>{}, *api_);
    const auto started = listener->start();
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().message);
    return listener;
  }

  HttpClientResponse ask(bool over_socket, const std::string& method, const std::string& target,
                         std::vector<std::pair<std::string, std::string>> headers = {}, std::string body = "") {
    HttpClientOptions options;
    if (over_socket) options.unix_socket = (folder_ / "admin.sock").native();
    HttpClient client(options);
    HttpClientRequest request;
    request.method = method;
    request.url = "http://127.0.0.1:" + std::to_string(tcp_->port()) + target;
    request.headers = std::move(headers);
    request.body = std::move(body);
    client.start(1, std::move(request));
    std::vector<TransferResult> results;
    while (results.empty()) results = client.poll(std::chrono::seconds(1));
    if (const auto* error = std::get_if<TransferError>(&results[0].result)) {
      ADD_FAILURE() << error->message;
      return {};
    }
    return std::get<HttpClientResponse>(results[0].result);
  }
  HttpClientResponse socket(const std::string& target) { return ask(true, "GET", target); }
  HttpClientResponse tcp(const std::string& target) { return ask(false, "GET", target); }

  std::string submit(const std::string& payload, std::vector<std::pair<std::string, std::string>> headers = {}) {
    headers.emplace_back("Content-Type", "application/hl7-v2");
    const auto answer = ask(true, "POST", "/v1/submissions", std::move(headers), payload);
    EXPECT_EQ(answer.status, 202U) << answer.body;
    return std::string(json::parse(answer.body).at("id").as_string());
  }

  // A command line as a user types it, with this test's configuration.
  ExitCode run_command(std::vector<std::string> words, const std::string& input = "") {
    words.insert(words.begin(), "edge-relay");
    words.push_back("--config");
    words.push_back((folder_ / "edge-relay.yaml").native());
    std::vector<const char*> arguments;
    for (const auto& word : words) arguments.push_back(word.c_str());
    const auto parsed = parse_command_line(static_cast<int>(arguments.size()), arguments.data());
    out_.str("");
    err_.str("");
    std::istringstream in(input);
    if (const auto* answer = std::get_if<CommandLineAnswer>(&parsed)) return answer->code;
    return std::visit(
        [&](const auto& command) {
          return execute(command, Streams{in, out_, err_});
        },
        std::get<Command>(parsed));
  }

  static std::string problem(const HttpClientResponse& response) {
    EXPECT_EQ(response.header("content-type"), "application/problem+json");
    return std::string(json::parse(response.body).at("type").as_string());
  }

  std::filesystem::path folder_;
  Settings settings_;
  std::unique_ptr<Journal> journal_;
  std::unique_ptr<Receiver> receiver_;
  std::unique_ptr<Overview> overview_;
  std::unique_ptr<Forwarder> forwarder_;
  std::unique_ptr<RunningDestinations> destinations_;
  std::unique_ptr<AdminApi> api_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
      boost::asio::make_work_guard(context_);
  std::unique_ptr<AdminListener> socket_;
  std::unique_ptr<AdminListener> tcp_;
  std::thread thread_;
  std::ostringstream out_;
  std::ostringstream err_;
};

TEST_F(AdminApiTest, HealthIsOpenToBothListeners) {
  for (const bool over_socket : {true, false}) {
    EXPECT_EQ(ask(over_socket, "GET", "/health/live").status, 200U);
    EXPECT_EQ(ask(over_socket, "GET", "/health/ready").status, 200U);
    const auto health = ask(over_socket, "GET", "/health");
    EXPECT_EQ(health.status, 200U);
    EXPECT_EQ(health.header("content-type"), "application/json");
    EXPECT_EQ(health.header("cache-control"), "no-store");
    EXPECT_EQ(json::parse(health.body).at("status"), "ok");
    EXPECT_EQ(ask(over_socket, "GET", "/health?strict=1").status, 200U);
  }
}

TEST_F(AdminApiTest, DegradedIs503OnlyWhereStrictnessIsAsked) {
  DestinationCondition condition;
  condition.up = false;
  condition.circuit_error = DeliveryError{ErrorKind::unreachable, std::nullopt, "nobody answers", "REMOTE"};
  journal_->set_condition("archive", condition);
  EXPECT_EQ(tcp("/health").status, 200U);
  EXPECT_EQ(tcp("/health?strict=1").status, 503U);
  EXPECT_EQ(tcp("/health/ready").status, 200U);
  EXPECT_EQ(tcp("/health").body.find("REMOTE"), std::string::npos);
  EXPECT_NE(socket("/v1/status").body.find("REMOTE"), std::string::npos);
}

TEST_F(AdminApiTest, StoppingIsNotReady) {
  // On the thread that owns it, as the daemon does it.
  std::promise<void> done;
  boost::asio::post(context_, [&] {
    overview_->stopping();
    done.set_value();
  });
  done.get_future().wait();
  EXPECT_EQ(tcp("/health/live").status, 200U);
  EXPECT_EQ(tcp("/health/ready").status, 503U);
  EXPECT_EQ(tcp("/health").status, 503U);
}

TEST_F(AdminApiTest, ForeignPagesGetNothing) {
  EXPECT_EQ(problem(ask(false, "GET", "/health", {{"Host", "evil.example"}})), "urn:edge-relay:problem:foreign_host");
  EXPECT_EQ(problem(ask(false, "GET", "/health", {{"Origin", "http://evil.example"}})),
            "urn:edge-relay:problem:foreign_origin");
  EXPECT_EQ(problem(ask(false, "GET", "/nothing", {{"Host", "evil.example"}})), "urn:edge-relay:problem:foreign_host");
}

TEST_F(AdminApiTest, UnknownPathsAndMethodsAreNamed) {
  for (const std::string path :
       {"/v1", "/health/", "/v1/submissions/abc", "/v1/destinations/archive", "/v1/destinations/archive/",
        "/v1/destinations//pause", "/v1/destinations/%zz/pause", "/v1/destinations/archive/discard",
        "/v1/submissions/01934f3c-8a4e-7b3a-9c1d-0123456789ab/pause",
        "/v1/submissions/01934f3c-8a4e-7b3a-9c1d-0123456789ab/retry/"}) {
    EXPECT_EQ(problem(socket(path)), "urn:edge-relay:problem:not_found") << path;
  }
  const auto wrong = ask(false, "DELETE", "/v1/submissions");
  EXPECT_EQ(wrong.status, 405U);
  EXPECT_EQ(wrong.header("allow"), "GET, HEAD");
  EXPECT_EQ(ask(true, "DELETE", "/v1/submissions").header("allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask(false, "POST", "/health").status, 405U);
}

TEST_F(AdminApiTest, TheOpenListenerTakesNothingAndShowsNoPayload) {
  const std::string id = submit("MSH|^~\\&|PLANTED\r");
  for (const std::string& target :
       {"/v1/submissions/" + id + "/payload", "/v1/submissions/" + std::string(nobody) + "/payload"}) {
    const auto payload = tcp(target);
    EXPECT_EQ(payload.status, 401U);
    EXPECT_EQ(payload.header("www-authenticate"), "Bearer");
    EXPECT_EQ(payload.body.find("PLANTED"), std::string::npos);
  }
  const auto post = ask(false, "POST", "/v1/submissions", {{"Content-Type", "application/hl7-v2"}}, "MSH|^~\\&|\r");
  EXPECT_EQ(post.status, 401U);
  EXPECT_EQ(json::parse(socket("/v1/status").body).at("destinations").at("archive").at("accepted"), 1);
}

TEST_F(AdminApiTest, ATokenOpensWhatTheSocketDoesAndNoOtherTextDoes) {
  const std::string id = submit("MSH|^~\\&|PLANTED\r");
  const std::string payload = "/v1/submissions/" + id + "/payload";
  EXPECT_EQ(ask(false, "GET", payload, {{"Authorization", "Bearer a-token"}}).status, 200U);
  for (const char* wrong : {"Bearer a-toke", "Bearer a-token2", "Basic a-token", "a-token", ""}) {
    EXPECT_EQ(ask(false, "GET", payload, {{"Authorization", wrong}}).status, 401U) << wrong;
  }
  const auto paused = ask(false, "POST", "/v1/destinations/archive/pause", {{"Authorization", "Bearer a-token"}});
  EXPECT_EQ(paused.status, 200U) << paused.body;
  const auto entry = json::parse(socket("/v1/audit").body).at("entries").at(0);
  EXPECT_EQ(entry.at("who"), "token on-call");
  EXPECT_EQ(entry.at("from"), "127.0.0.1");
  EXPECT_EQ(json::parse(tcp("/health").body).at("destinations").at("archive").at("state"), "paused");
}

TEST_F(AdminApiTest, TheSocketTakesSubmissionsOfAnyClient) {
  const std::string nameless = submit("MSH|^~\\&|A\r");
  const std::string named = submit("MSH|^~\\&|B\r", {{"Relay-Client", "somebody.else"}});
  const auto first = json::parse(socket("/v1/submissions/" + nameless).body);
  EXPECT_EQ(first.at("client"), "lab-014.submit");
  EXPECT_EQ(first.at("intake"), "submit");
  EXPECT_EQ(first.at("deliveries").at(0).at("history").as_array().size(), 0U);
  EXPECT_EQ(json::parse(socket("/v1/submissions/" + named).body).at("client"), "somebody.else");
}

TEST_F(AdminApiTest, PayloadsComeBackByteByByte) {
  std::string payload = "MSH|^~\\&|";
  for (int i = 0; i < 200'000; ++i) payload += static_cast<char>(i * 7);
  const std::string id = submit(payload);
  const auto answer = socket("/v1/submissions/" + id + "/payload");
  EXPECT_EQ(answer.status, 200U);
  EXPECT_EQ(answer.header("content-type"), "application/hl7-v2");
  EXPECT_TRUE(answer.body == payload);
  EXPECT_EQ(socket("/v1/submissions/" + std::string(nobody) + "/payload").status, 404U);
}

TEST_F(AdminApiTest, PayloadNamesAreShownOverTheSocketAlone) {
  const std::string id = submit("MSH|^~\\&|A\r", {{"Relay-Payload-Name", "PLANTED.hl7"}});
  for (const std::string target : {"/v1/submissions", "/v1/submissions/"}) {
    const std::string full = target.back() == '/' ? target + id : target;
    EXPECT_NE(socket(full).body.find("PLANTED.hl7"), std::string::npos) << full;
    EXPECT_EQ(tcp(full).body.find("PLANTED"), std::string::npos) << full;
  }
  EXPECT_TRUE(json::parse(tcp("/v1/submissions/" + id).body).at("payload_name").is_null());
}

TEST_F(AdminApiTest, ListsNewestFirstPageByPage) {
  std::vector<std::string> ids;
  for (int i = 0; i < 5; ++i) ids.insert(ids.begin(), submit("MSH|^~\\&|" + std::to_string(i) + "\r"));
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const auto page = json::parse(tcp("/v1/submissions?limit=2" + (cursor.empty() ? "" : "&cursor=" + cursor)).body);
    for (const auto& item : page.at("submissions").as_array()) {
      seen.emplace_back(item.at("id").as_string());
      EXPECT_FALSE(item.at("deliveries").at(0).as_object().contains("receipt"));
    }
    const auto& next = page.at("next_cursor");
    cursor = next.is_null() ? "" : std::string(next.as_string());
  } while (!cursor.empty());
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(problem(tcp("/v1/submissions?state=lost")), "urn:edge-relay:problem:malformed_request");
  EXPECT_EQ(problem(tcp("/v1/submissions?cursor=nonsense")), "urn:edge-relay:problem:malformed_request");
  EXPECT_EQ(json::parse(tcp("/v1/submissions?state=delivered").body).at("submissions").as_array().size(), 0U);
}

TEST_F(AdminApiTest, AnswersWithTheSameNumberAreEqual) {
  std::map<std::int64_t, std::int64_t> accepted;
  for (int i = 0; i < 10; ++i) {
    submit("MSH|^~\\&|" + std::to_string(i) + "\r");
    const auto status = json::parse(socket("/v1/status").body);
    const auto count = status.at("destinations").at("archive").at("accepted").to_number<std::int64_t>();
    EXPECT_EQ(accepted.emplace(status.at("as_of").to_number<std::int64_t>(), count).first->second, count);
    EXPECT_EQ(count, i + 1);
  }
}

TEST_F(AdminApiTest, MetricsCountWhatWasTakenAndRefused) {
  submit("MSH|^~\\&|A\r");
  EXPECT_EQ(ask(true, "POST", "/v1/submissions", {{"Content-Type", "text/x"}}, "x").status, 415U);
  const auto metrics = tcp("/metrics");
  EXPECT_EQ(metrics.status, 200U);
  EXPECT_NE(metrics.body.find("edge_relay_submissions_accepted_total{intake=\"submit\"} 1\n"), std::string::npos);
  EXPECT_NE(metrics.body.find("edge_relay_deliveries{destination=\"archive\",state=\"queued\"} 1\n"),
            std::string::npos);
}

// ---- The commands that use the socket -------------------------------------------------------------------------------

TEST_F(AdminApiTest, SubmitPrintsOneIdALineAndRefusesOnlyWhatIsBad) {
  std::ofstream(folder_ / "a.hl7") << "MSH|^~\\&|A\r";
  std::ofstream(folder_ / "b.csv") << "a,b\n1,2\n";
  std::ofstream(folder_ / "empty.hl7").flush();
  EXPECT_EQ(run_command({"submit", folder_ / "a.hl7", folder_ / "b.csv"}), ExitCode::success) << err_.str();
  std::istringstream lines(out_.str());
  std::string first, second, third;
  EXPECT_TRUE(std::getline(lines, first) && std::getline(lines, second) && !std::getline(lines, third));
  EXPECT_EQ(json::parse(socket("/v1/submissions/" + first).body).at("content_type"), "application/hl7-v2");
  EXPECT_EQ(json::parse(socket("/v1/submissions/" + second).body).at("content_type"), "text/csv");

  EXPECT_EQ(run_command({"submit", folder_ / "empty.hl7", folder_ / "missing.hl7", folder_ / "a.hl7"}),
            ExitCode::failure);
  EXPECT_EQ(out_.str().size(), 37U) << "the good one is taken all the same";
  EXPECT_NE(err_.str().find("empty.hl7"), std::string::npos);
  EXPECT_NE(err_.str().find("missing.hl7"), std::string::npos);
}

TEST_F(AdminApiTest, SubmitReadsStandardInputAndItsOptions) {
  ASSERT_EQ(run_command({"submit", "-", "--content-type", "text/csv", "--client", "desk.one", "--payload-name", "n",
                         "--idempotency-key", "k"},
                        "a,b\n"),
            ExitCode::success)
      << err_.str();
  const std::string id = out_.str().substr(0, 36);
  const auto shown = json::parse(socket("/v1/submissions/" + id).body);
  EXPECT_EQ(shown.at("client"), "desk.one");
  EXPECT_EQ(shown.at("payload_name"), "n");
  ASSERT_EQ(run_command({"submit", "-", "--content-type", "text/csv", "--client", "desk.one", "--idempotency-key", "k"},
                        "a,b\n"),
            ExitCode::success);
  EXPECT_EQ(out_.str(), id + "\n") << "the same key makes no second one";
}

TEST_F(AdminApiTest, SubmitTestAndWaitThatIsNotReached) {
  EXPECT_EQ(run_command({"submit", "--test", "--wait", "0"}), ExitCode::failure);
  ASSERT_EQ(out_.str().size(), 37U) << err_.str();
  const auto payload = socket("/v1/submissions/" + out_.str().substr(0, 36) + "/payload");
  EXPECT_TRUE(payload.body.starts_with("MSH|^~\\&|"));
}

TEST_F(AdminApiTest, StatusListAndShowSpeakToPeopleAndToPrograms) {
  const std::string id = submit("MSH|^~\\&|A\r");
  EXPECT_EQ(run_command({"status"}), ExitCode::success) << err_.str();
  EXPECT_NE(out_.str().find("archive"), std::string::npos);
  EXPECT_EQ(run_command({"status", "--json"}), ExitCode::success);
  EXPECT_EQ(json::parse(out_.str()).at("journal").at("queued"), 1);

  EXPECT_EQ(run_command({"list"}), ExitCode::success);
  EXPECT_NE(out_.str().find(id), std::string::npos);
  EXPECT_EQ(run_command({"list", "--json"}), ExitCode::success);
  EXPECT_EQ(out_.str(), socket("/v1/submissions").body + "\n");

  EXPECT_EQ(run_command({"show", id}), ExitCode::success);
  EXPECT_NE(out_.str().find("archive: queued"), std::string::npos) << out_.str();
  EXPECT_EQ(run_command({"show", id, "--json"}), ExitCode::success);
  EXPECT_EQ(out_.str(), socket("/v1/submissions/" + id).body + "\n");
  EXPECT_EQ(run_command({"show", id, "--payload"}), ExitCode::success);
  EXPECT_EQ(out_.str(), "MSH|^~\\&|A\r");
  EXPECT_EQ(run_command({"show", nobody}), ExitCode::failure);
  EXPECT_NE(err_.str().find("404"), std::string::npos);
}

TEST_F(AdminApiTest, WithoutADaemonTheCommandsSaySoAndNameTheSocket) {
  std::ofstream(folder_ / "edge-relay.yaml") << "admin: {socket: " << (folder_ / "nobody.sock").native() << "}\n";
  for (const std::string name : {"status", "list"}) {
    EXPECT_EQ(run_command({name}), ExitCode::failure);
    EXPECT_NE(err_.str().find("the daemon isn't running"), std::string::npos);
    EXPECT_NE(err_.str().find((folder_ / "nobody.sock").native()), std::string::npos);
  }
  // A file that is left over from a daemon that was killed.
  const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, (folder_ / "nobody.sock").c_str(), sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ::close(left);
  EXPECT_EQ(run_command({"status"}), ExitCode::failure);
  EXPECT_NE(err_.str().find("nobody answers"), std::string::npos);
}

}  // namespace
}  // namespace relay
