#include "store/seal.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <memory>
#include <new>
#include <stdexcept>

#include "base/fingerprint.h"
#include "base/guarded.h"
#include "base/wipe.h"

namespace warppool::internal {
namespace {

constexpr char kSealFormat = 1;
constexpr std::string_view kSalt = "warppool sealed record";
constexpr std::string_view kInfo = "AES-256-GCM key, format 1";
constexpr std::string_view kLabel = "warppool sealed record, format 1";

constexpr std::size_t kNonce = 12;
constexpr std::size_t kTag = 16;
constexpr std::size_t kHead = 1 + kNonce;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;  // OpenSSL counts in int

using CipherContext = std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)>;

// Plain text on its way into a Secret.
struct Wiped {
  std::string text;
  ~Wiped() { Wipe(&text); }
};

class RecordCipherKey {
 public:
  explicit RecordCipherKey(const Secret& credential);
  ~RecordCipherKey() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }
  RecordCipherKey(const RecordCipherKey&) = delete;
  RecordCipherKey& operator=(const RecordCipherKey&) = delete;
  const unsigned char* data() const { return bytes_.data(); }

 private:
  std::array<unsigned char, 32> bytes_{};
};

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text, std::size_t offset = 0) {
  return reinterpret_cast<unsigned char*>(text.data()) + offset;
}
int Size(std::string_view text) {
  return static_cast<int>(text.size());
}

void Check(bool done) {
  if (!done) throw std::runtime_error("OpenSSL failed at a record of the store");
}

RecordCipherKey::RecordCipherKey(const Secret& credential) {
  if (credential.empty()) throw std::invalid_argument("a record needs a credential");
  const std::string_view text = credential.Reveal();
  const KeyContext context(EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr), &EVP_PKEY_CTX_free);
  if (!context) throw std::bad_alloc();
  std::size_t size = bytes_.size();
  Check(text.size() <= kMostBytes && EVP_PKEY_derive_init(context.get()) > 0 &&
        EVP_PKEY_CTX_set_hkdf_md(context.get(), EVP_sha256()) > 0 &&
        EVP_PKEY_CTX_set1_hkdf_salt(context.get(), Bytes(kSalt), Size(kSalt)) > 0 &&
        EVP_PKEY_CTX_set1_hkdf_key(context.get(), Bytes(text), Size(text)) > 0 &&
        EVP_PKEY_CTX_add1_hkdf_info(context.get(), Bytes(kInfo), Size(kInfo)) > 0 &&
        EVP_PKEY_derive(context.get(), bytes_.data(), &size) > 0 && size == bytes_.size());
}

CipherContext NewCipherContext() {
  CipherContext context(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  if (!context) throw std::bad_alloc();
  return context;
}

std::string AssociatedData(const Secret& credential) {
  const Fingerprint fingerprint = FingerprintOf(credential);
  std::string data(kLabel);
  data.append(fingerprint.begin(), fingerprint.end());
  return data;
}

Status DoesNotOpen() {
  return {Code::kInvalidArgument, "the record does not open: it is of another credential, or damaged"};
}

}  // namespace

std::string Seal(const Secret& credential, std::string_view plain) {
  if (plain.size() > kMostBytes) throw std::length_error("a record is too long to be sealed");
  const RecordCipherKey key(credential);
  const std::string associated = AssociatedData(credential);
  const CipherContext context = NewCipherContext();

  std::string sealed(kHead + plain.size() + kTag, '\0');
  sealed[0] = kSealFormat;
  Check(RAND_bytes(Bytes(sealed, 1), kNonce) == 1);
  int written = 0;
  Check(EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), Bytes(sealed, 1)) == 1 &&
        EVP_EncryptUpdate(context.get(), nullptr, &written, Bytes(associated), Size(associated)) == 1 &&
        (plain.empty() ||  // which OpenSSL 1.1 may take for the end
         EVP_EncryptUpdate(context.get(), Bytes(sealed, kHead), &written, Bytes(plain), Size(plain)) == 1) &&
        EVP_EncryptFinal_ex(context.get(), Bytes(sealed, kHead + plain.size()), &written) == 1 &&
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, Bytes(sealed, kHead + plain.size())) == 1);
  return sealed;
}

Result<Secret> Unseal(const Secret& credential, std::string_view sealed) {
  return Guarded([&]() -> Result<Secret> {
    if (!sealed.empty() && sealed[0] > kSealFormat) {
      return Status(Code::kInvalidArgument, fmt::format("the record is sealed in format {}, which this version does "
                                                        "not know, or damaged",
                                                        static_cast<unsigned char>(sealed[0])));
    }
    if (credential.empty() || sealed.size() < kHead + kTag || sealed.size() > kMostBytes || sealed[0] != kSealFormat) {
      return DoesNotOpen();
    }
    const RecordCipherKey key(credential);
    const std::string associated = AssociatedData(credential);
    const CipherContext context = NewCipherContext();

    const std::string_view nonce = sealed.substr(1, kNonce);
    const std::string_view cipher_text = sealed.substr(kHead, sealed.size() - kHead - kTag);
    std::string tag(sealed.substr(sealed.size() - kTag));
    Wiped plain{std::string(cipher_text.size(), '\0')};
    int written = 0;
    Check(EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), Bytes(nonce)) == 1 &&
          EVP_DecryptUpdate(context.get(), nullptr, &written, Bytes(associated), Size(associated)) == 1 &&
          (cipher_text.empty() ||
           EVP_DecryptUpdate(context.get(), Bytes(plain.text), &written, Bytes(cipher_text), Size(cipher_text)) == 1) &&
          EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, tag.data()) == 1);
    std::array<unsigned char, kTag> rest{};  // GCM leaves none, but asks for a place
    if (EVP_DecryptFinal_ex(context.get(), rest.data(), &written) != 1) return DoesNotOpen();
    return Secret(plain.text);
  });
}

std::string RecordKey(const Secret& credential) {
  return Hex(FingerprintOf(credential));
}

}  // namespace warppool::internal
