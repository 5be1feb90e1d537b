#include <optional>
#include <utility>

#include "account.h"
#include "agent.h"
#include "certificates.h"
#include "conversation_book.h"
#include "encoding.h"
#include "exchange.h"
#include "history_check.h"
#include "http_server.h"
#include "journal.h"
#include "ledger.h"
#include "loopback.h"
#include "send.h"

namespace loopback {
namespace {

constexpr std::size_t kConversations = 10'000;
constexpr std::size_t kConversationsKeptFlat = 1'000;

bool LooksLikeApiKey(const std::string& token) {
  return token.compare(0, 3, "wk-") == 0;
}

// httplib tells its handlers about the connection in headers that nobody sent.
bool IsAddedByServer(const std::string& name) {
  return name == "REMOTE_ADDR" || name == "REMOTE_PORT" || name == "LOCAL_ADDR" || name == "LOCAL_PORT";
}

Seen Describe(const httplib::Request& request, const Reply& reply) {
  Seen seen;
  seen.path = request.path;
  seen.query = QueryOf(request.target);
  for (const auto& [name, value] : request.headers) {
    if (!IsAddedByServer(name)) seen.headers.emplace_back(name, value);
  }
  seen.body = request.body;
  seen.token = reply.token;
  seen.status = reply.status;
  seen.connection = request.remote_port;
  return seen;
}

std::optional<Endpoint> FindEndpoint(const std::string& path) {
  if (path == "/proxy/token" || path == "/v1/token") return Endpoint::kExchange;
  if (path == "/ai/multi-agent") return Endpoint::kAgent;
  if (path == "/graphql/v2") return Endpoint::kAccount;
  return std::nullopt;
}

Reply AnswerRequest(const httplib::Request& request, Ledger* ledger, ConversationBook* book) {
  const auto endpoint = FindEndpoint(request.path);
  if (!endpoint) return JsonReply(404, R"({"error":"not found"})");
  if (request.method != "POST") {
    Reply reply = JsonReply(405, R"({"error":"method not allowed"})");
    reply.complaint = "the method is " + request.method;
    return reply;
  }
  switch (*endpoint) {
    case Endpoint::kExchange:
      return AnswerExchange(request, ledger);
    case Endpoint::kAgent:
      return AnswerAgent(request, ledger, book);
    case Endpoint::kAccount:
      break;
  }
  return AnswerAccount(request, ledger);
}

}  // namespace

class Service::Impl {
 public:
  explicit Impl(const Options& options)
      : ledger(options.keep_requests),
        journal(options.keep_requests),
        book(options.keep_requests ? kConversations : kConversationsKeptFlat),
        certificates(options.tls ? std::optional(MakeCertificates()) : std::nullopt),
        authority(certificates ? std::make_unique<TemporaryFile>(certificates->authority_pem) : nullptr),
        server(options.port, options.threads, certificates ? certificates->context.get() : nullptr,
               [this](const httplib::Request& request, httplib::Response& response, Connection* connection) {
                 Reply reply = AnswerRequest(request, &ledger, &book);
                 // Before anything is sent: whoever has the answer finds the request here.
                 journal.Add(Describe(request, reply), reply.complaint);
                 Send(std::move(reply), connection, &response);
               }) {}

  Ledger ledger;
  Journal journal;
  ConversationBook book;
  const std::optional<Certificates> certificates;
  const std::unique_ptr<TemporaryFile> authority;
  HttpServer server;  // last: its threads use the others
};

Service::Service(Options options) : impl_(std::make_unique<Impl>(options)) {}
Service::~Service() = default;

std::string Service::url() const {
  return (impl_->certificates ? "https://localhost:" : "http://127.0.0.1:") + std::to_string(port());
}

int Service::port() const {
  return impl_->server.port();
}

std::string Service::ca_file() const {
  return impl_->authority ? impl_->authority->path() : "";
}

Service& Service::Accept(const std::string& token) {
  impl_->ledger.Accept(token);
  return *this;
}

Service& Service::AcceptAs(const std::string& token, const std::string& user_id) {
  impl_->ledger.AcceptAs(token, user_id);
  return *this;
}

Service& Service::AcceptApiKey(const std::string& key) {
  impl_->ledger.AcceptApiKey(key);
  return *this;
}

Service::Script Service::On(std::string token) {
  impl_->ledger.Introduce(token, LooksLikeApiKey(token));
  return {this, std::move(token)};
}

Service::Script Service::OnAny() {
  return {this, std::nullopt};
}

Service::Script& Service::Script::Exchange(Behaviour behaviour) {
  service_->impl_->ledger.AddScript(token_, Endpoint::kExchange, std::move(behaviour));
  return *this;
}

Service::Script& Service::Script::Agent(Behaviour behaviour) {
  service_->impl_->ledger.AddScript(token_, Endpoint::kAgent, std::move(behaviour));
  return *this;
}

Service::Script& Service::Script::Account(Behaviour behaviour) {
  service_->impl_->ledger.AddScript(token_, Endpoint::kAccount, std::move(behaviour));
  return *this;
}

Service& Service::Decide(Decision decide) {
  impl_->ledger.SetDecision(std::move(decide));
  return *this;
}

Service& Service::SetQuota(const std::string& token, AccountQuota quota) {
  impl_->ledger.Introduce(token, LooksLikeApiKey(token));
  impl_->ledger.SetQuota(token, quota);
  return *this;
}

void Service::RequireKey(const std::string& key) {
  impl_->ledger.RequireKey(key);
}
void Service::ExpireJwts() {
  impl_->ledger.ExpireJwts();
}
void Service::AcceptAnyPrefix(const std::string& conversation_id) {
  impl_->book.AcceptAnyPrefix(conversation_id);
}
void Service::Stop() {
  impl_->server.Close();
}

std::vector<Seen> Service::Requests(const std::string& path) const {
  return impl_->journal.Requests(path);
}
int Service::Count(const std::string& path, const std::string& token) const {
  return impl_->journal.Count(path, token);
}
std::vector<ConversationSeen> Service::Conversations() const {
  return impl_->book.All();
}
std::string Service::TasksOf(const std::string& conversation_id) const {
  return Bytes(impl_->book.TasksOf(conversation_id));
}
std::vector<std::string> Service::Complaints() const {
  return impl_->journal.Complaints();
}
std::vector<std::string> Service::Secrets() const {
  return impl_->ledger.Secrets();
}

}  // namespace loopback
