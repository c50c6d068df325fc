// Right-hand sides that are the same at all points of a periodic grid.
#include "core/components/field_library.hpp"

#include "catch.hpp"
#include "component_setup.hpp"
#include "core/vector_field/equations.hpp"
#include "core/vector_field/model.hpp"

using namespace spnode;
using namespace spnode::core;
using namespace spnode::test;

namespace {

LibraryOptions form(std::size_t fields, FieldAxis axis, std::vector<std::size_t> points = {}) {
  LibraryOptions options;
  options.degree = 3;
  options.fields = fields;
  options.field_axis = axis;
  options.points = std::move(points);
  return options;
}

}  // namespace

TEST_CASE("stencil_names_the_components_at_a_point_and_its_neighbours") {
  const PeriodicStencil ring(10, form(2, FieldAxis::first)), by_point(10, form(2, FieldAxis::last)),
      grid(12, form(1, FieldAxis::first, {3, 4}));
  const auto at = [](const PeriodicStencil& stencil, std::size_t point) {
    std::vector<std::size_t> components;
    for (std::size_t v = 0; v < stencil.variables(); ++v) components.push_back(stencil.component(point, v));
    return components;
  };
  CHECK(at(ring, 0) == std::vector<std::size_t>{0, 5, 1, 6, 4, 9});
  CHECK(at(by_point, 4) == std::vector<std::size_t>{8, 9, 0, 1, 6, 7});
  CHECK(at(grid, 3) == std::vector<std::size_t>{3, 7, 11, 0, 2});  // row 0, column 3
  CHECK(ring.variable_names({"u", "v"}) ==
        std::vector<std::string>{"u", "v", "u[+1]", "v[+1]", "u[-1]", "v[-1]"});
  CHECK(grid.variable_names({"u"}) ==
        std::vector<std::string>{"u", "u[+1,0]", "u[-1,0]", "u[0,+1]", "u[0,-1]"});
}

TEST_CASE("products_have_no_more_factors_of_neighbours_than_are_asked_for") {
  LibraryOptions options = form(1, FieldAxis::first);
  const auto names = [&] {
    const FieldLibrary<double> fields({5, 5, 0}, options, "library");
    const auto found = fields.at_point().function_names({"u", "r", "l"});
    CHECK(found.size() == fields.at_point().functions());
    CHECK(double(found.size()) ==
          Library<double>::function_count(3, options, {1, 3, options.neighbour_factors}));
    return found;
  };
  CHECK(names() ==
        std::vector<std::string>{"1", "u", "r", "l", "u^2", "u r", "u l", "u^3", "u^2 r", "u^2 l"});
  options.neighbour_factors = 2;
  options.degree = 2;
  CHECK(names() == std::vector<std::string>{"1", "u", "r", "l", "u^2", "u r", "u l", "r^2", "r l", "l^2"});
  options.neighbour_factors = 20;
  options.degree = 3;
  CHECK(names().size() == 20);
}

TEST_CASE("library_of_fields_has_its_equation_at_every_point_in_unscaled_values") {
  for (const FieldAxis axis : {FieldAxis::first, FieldAxis::last}) {
    constexpr std::size_t points = 5, n = 10;
    FieldLibrary<double> fields({n, n, 1}, form(2, axis), "library");
    ParameterLayout layout;
    fields.declare(layout);
    std::vector<double> theta(layout.size());
    fields.initialise(0, theta);
    const Library<double>& library = fields.at_point();
    const auto names = library.function_names({"u", "v", "u[+1]", "v[+1]", "u[-1]", "v[-1]", "p"});
    std::vector<double> Xi(2 * library.functions(), 0.0);
    const auto set = [&](std::size_t output, const std::string& name, double value) {
      const auto found = std::ranges::find(names, name);
      REQUIRE(found != names.end());
      Xi[output * names.size() + std::size_t(found - names.begin())] = value;
    };
    set(0, "1", 0.5), set(0, "u^2 v", 2.0), set(0, "u[+1]", 3.0), set(1, "v v[-1] p", 1.5),
        set(1, "v[-1]", 4.0);
    library.set_coefficients(Xi, theta);
    Scaling scaling{random_vector(n, "shift"), random_vector(n, "scale")};
    for (double& scale : scaling.scale) scale = 1.0 + std::abs(scale);
    fields.set_scaling(scaling, theta);
    fields.set_argument_scaling({{0.5}, {3.0}}, theta);
    std::vector<double> c(fields.coefficient_count());
    fields.assemble(theta, c);
    const Matrix<double> u = random_matrix(n, 3, "u"), q = random_matrix(1, 3, "q");
    Matrix<double> f("f", n, 3), tape("tape", fields.tape_rows(), 3);
    Scratch<double> scratch;
    fields.apply(ExecSpace(), {to_device<double>(c), {u, q}, f, tape}, scratch);
    const auto states = on_host(u), arguments = on_host(q), found = on_host(f);
    const auto component = [axis](std::size_t field, std::size_t point) {
      return axis == FieldAxis::first ? field * points + point % points : point % points * 2 + field;
    };
    for (std::size_t l = 0; l < 3; ++l)
      for (std::size_t p = 0; p < points; ++p) {
        const auto X = [&](std::size_t field, std::size_t point) {
          const std::size_t k = component(field, point);
          return scaling.shift[k] + scaling.scale[k] * states(k, l);
        };
        const double x = X(0, p), y = X(1, p), y_left = X(1, p + points - 1),
                     parameter = 0.5 + 3.0 * arguments(0, l);
        CHECK(found(component(0, p), l) ==
              Approx((0.5 + 2.0 * x * x * y + 3.0 * X(0, p + 1)) / scaling.scale[component(0, p)])
                  .epsilon(1e-13));
        CHECK(found(component(1, p), l) ==
              Approx((1.5 * y * y_left * parameter + 4.0 * y_left) / scaling.scale[component(1, p)])
                  .epsilon(1e-13));
      }
  }
}

TEST_CASE("equations_of_fields_are_those_at_any_point") {
  ModelOptions options;
  options.linear.structure = HurwitzKind::none;
  options.nonlinear = {NonlinearKind::library};
  options.library = form(2, FieldAxis::first);
  const Model model(options, 10);
  std::vector<double> theta = model.initialise(1, nullptr), Xi(2 * model.library()->functions(), 0.0);
  Xi[0] = 1.0, Xi[3] = 0.25, Xi[model.library()->functions() + 2] = -2.0;
  model.library()->set_coefficients(Xi, theta);
  CHECK(
      equations(model, theta) ==
      std::vector<std::string>{"du_0/dt = 1 + 0.25 u_0[+1]", "du_1/dt = -2 u_1",
                               "u_0, u_1 ...: the fields at any point of the grid; [+1]: at the next point"});
}

TEST_CASE("fields_that_do_not_make_up_the_state_are_refused") {
  const auto make = [](std::size_t components, const LibraryOptions& options) {
    FieldLibrary<double>({components, components, 0}, options, "library");
  };
  CHECK_THROWS_WITH(make(10, form(3, FieldAxis::first)),
                    "library.fields = 3, but the states have 10 components: each field needs as many points");
  CHECK_THROWS_WITH(make(24, form(2, FieldAxis::first, {3, 5})),
                    "library.points makes a grid of 15 points, but a field has 12");
  CHECK_THROWS_WITH(
      make(4, form(2, FieldAxis::first)),
      "library.neighbours = 1 reaches around an axis of 2 points; more than twice as many points are "
      "needed");
}
