#include "app/deck/keys.hpp"

#include <type_traits>
#include <utility>

#include "app/deck/values.hpp"

namespace spnode::app {

namespace {

struct Table {
  std::vector<Key> keys;
  std::vector<Section> sections;
};

/// Visits the description of the options that `access` reaches from a deck, and appends their keys.
template <class Access>
class Describer {
 public:
  Describer(Table& table, Access access, std::string section, OnResume on_resume)
      : table_(table), access_(access), section_(std::move(section)), on_resume_(on_resume) {}

  template <class Field>
  void option(std::string_view name, Field field, const Option& option) {
    const auto reach = reach_of(field);
    using T = std::remove_cvref_t<decltype(reach(std::declval<Deck&>()))>;
    Key key;
    key.path = join(section_, name);
    key.type = Value<T>::type();
    key.allowed = Value<T>::allowed(option.limits);
    key.unit = option.unit;
    key.meaning = option.meaning;
    key.on_resume = on_resume_ == OnResume::free ? OnResume::free : option.on_resume;
    key.read = [reach, limits = option.limits](Deck& deck, const YAML::Node& node) {
      reach(deck) = Value<T>::read(node, limits);
    };
    key.print = [reach](const Deck& deck) { return Value<T>::print(reach(deck)); };
    table_.keys.push_back(std::move(key));
  }

  template <class Field>
  void section(std::string_view name, Field field, std::string_view meaning,
               OnResume on_resume = OnResume::same) {
    const std::string path = join(section_, name);
    table_.sections.push_back({path, std::string(meaning)});
    describe(field, path, on_resume_ == OnResume::free ? OnResume::free : on_resume);
  }

  template <class Field>
  void include(Field field) {
    describe(field, section_, on_resume_);
  }

 private:
  template <class Field>
  auto reach_of(Field field) const {
    return [ access = access_, field ](auto& deck) -> auto& { return std::invoke(field, access(deck)); };
  }

  template <class Field>
  void describe(Field field, const std::string& path, OnResume on_resume) {
    const auto reach = reach_of(field);
    Describer<std::remove_const_t<decltype(reach)>> inner(table_, reach, path, on_resume);
    std::remove_cvref_t<decltype(reach(std::declval<Deck&>()))>::describe(inner);
  }

  Table& table_;
  Access access_;
  std::string section_;
  OnResume on_resume_;
};

const Table& table() {
  static const Table all = [] {
    Table t;
    t.sections.push_back({"", "Paths are relative to the directory that spnode is started in."});
    const auto whole = [](auto& deck) -> auto& { return deck; };
    Describer visit(t, whole, "", OnResume::same);
    Deck::describe(visit);
    return t;
  }();
  return all;
}

}  // namespace

const std::vector<Key>& deck_keys() { return table().keys; }
const std::vector<Section>& deck_sections() { return table().sections; }

std::string join(const std::string& section, std::string_view name) {
  return section.empty() ? std::string(name) : section + "." + std::string(name);
}

}  // namespace spnode::app
