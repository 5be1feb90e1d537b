#include "certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace loopback {
namespace {

template <auto kFree>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using MemoryBio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;

constexpr long kDaySeconds = 24L * 60 * 60;

void Check(bool ok) {
  if (!ok) throw std::runtime_error("loopback: OpenSSL cannot make the certificates");
}

Key MakeKey() {
  Key key(EVP_EC_gen("P-256"));
  Check(key != nullptr);
  return key;
}

void AddExtension(X509* certificate, X509* issuer, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  Check(extension && X509_add_ext(certificate, extension.get(), -1) == 1);
}

// Everything but the extensions and the signature. `issuer` NULL: it speaks for itself.
Certificate MakeCertificate(const char* name, EVP_PKEY* key, X509* issuer) {
  Certificate certificate(X509_new());
  Check(certificate != nullptr);
  // Clients remember authorities by their serial number: two services must not share one.
  std::uint32_t serial = 0;
  Check(RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) == 1);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto* text = reinterpret_cast<const unsigned char*>(name);
  Check(X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
        ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial) == 1 &&
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, text, -1, -1, 0) == 1 &&
        X509_set_issuer_name(certificate.get(), issuer != nullptr ? X509_get_subject_name(issuer) : subject) == 1 &&
        X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDaySeconds) != nullptr &&
        X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 30 * kDaySeconds) != nullptr &&
        X509_set_pubkey(certificate.get(), key) == 1);
  return certificate;
}

std::string ToPem(X509* certificate) {
  const MemoryBio bio(BIO_new(BIO_s_mem()));
  Check(bio && PEM_write_bio_X509(bio.get(), certificate) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

Certificates MakeCertificates() {
  const Key authority_key = MakeKey();
  const Certificate authority = MakeCertificate("loopback authority", authority_key.get(), nullptr);
  AddExtension(authority.get(), authority.get(), NID_basic_constraints, "critical,CA:TRUE");
  AddExtension(authority.get(), authority.get(), NID_key_usage, "critical,keyCertSign,cRLSign");
  AddExtension(authority.get(), authority.get(), NID_subject_key_identifier, "hash");
  Check(X509_sign(authority.get(), authority_key.get(), EVP_sha256()) != 0);

  const Key key = MakeKey();
  const Certificate certificate = MakeCertificate("localhost", key.get(), authority.get());
  AddExtension(certificate.get(), authority.get(), NID_basic_constraints, "critical,CA:FALSE");
  AddExtension(certificate.get(), authority.get(), NID_key_usage, "critical,digitalSignature");
  AddExtension(certificate.get(), authority.get(), NID_ext_key_usage, "serverAuth");
  AddExtension(certificate.get(), authority.get(), NID_subject_alt_name,
               "DNS:localhost,DNS:loopback.test,IP:127.0.0.1");
  AddExtension(certificate.get(), authority.get(), NID_authority_key_identifier, "keyid");
  Check(X509_sign(certificate.get(), authority_key.get(), EVP_sha256()) != 0);

  Certificates made;
  made.context.reset(SSL_CTX_new(TLS_server_method()));
  Check(made.context && SSL_CTX_set_min_proto_version(made.context.get(), TLS1_2_VERSION) == 1 &&
        SSL_CTX_use_certificate(made.context.get(), certificate.get()) == 1 &&
        SSL_CTX_use_PrivateKey(made.context.get(), key.get()) == 1);
  made.authority_pem = ToPem(authority.get());
  return made;
}

TemporaryFile::TemporaryFile(const std::string& content)
    : path_((std::filesystem::temp_directory_path() / "loopback-authority-XXXXXX").string()) {
  const int file = mkstemp(path_.data());  // readable by the owner only
  if (file < 0) throw std::runtime_error("loopback: cannot create " + path_);
  const bool written = write(file, content.data(), content.size()) == static_cast<ssize_t>(content.size());
  if (close(file) != 0 || !written) {
    unlink(path_.c_str());
    throw std::runtime_error("loopback: cannot write " + path_);
  }
}

TemporaryFile::~TemporaryFile() {
  unlink(path_.c_str());
}

}  // namespace loopback
