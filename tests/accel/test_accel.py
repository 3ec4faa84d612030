"""fastml.accel: scikit-learn's face, fastml's answers. Each program runs in a process of its own."""

import pickle

import numpy as np
import pytest

SCRIPT = ("-m", "fastml.accel", "program.py", "one", "--two")


def test_a_script_a_module_and_their_arguments(program):
    code = """
    from sklearn.tree import DecisionTreeClassifier
    print(sys.argv, __name__, type(DecisionTreeClassifier().fit(X, y)._engine).__module__)
    """
    assert program(code, *SCRIPT) == "['program.py', 'one', '--two'] __main__ fastml.tree.classes\n"
    out = program(code, "-m", "fastml.accel", "--profile", "-m", "program", "-q", "three", "-m", "four")
    assert "'-q', 'three', '-m', 'four'] __main__ fastml.tree.classes" in out
    done = program(code, "-m", "fastml.accel", check=False)
    assert done.returncode == 2
    assert "nothing to run" in done.stderr


def test_every_way_of_importing(program):
    out = program(
        """
        import importlib
        import sklearn
        import sklearn.tree
        import sklearn.tree as short
        from sklearn import tree
        from sklearn.tree import DecisionTreeClassifier as first
        from sklearn.tree import *
        from sklearn.tree._classes import DecisionTreeClassifier as private
        found = [sklearn.tree.DecisionTreeClassifier, short.DecisionTreeClassifier, tree.DecisionTreeClassifier, first,
                 DecisionTreeClassifier, private, importlib.import_module("sklearn.tree").DecisionTreeClassifier]
        print({cls is first for cls in found}, hasattr(first, "_own"))
        """
    )
    assert out == "{True} True\n"


def test_install_and_uninstall(program):
    out = program(
        """
        import sklearn.tree
        before = sklearn.tree.DecisionTreeClassifier
        import fastml.accel
        fastml.accel.install()
        inside = sklearn.tree.DecisionTreeClassifier
        from sklearn.svm import LinearSVC
        model = inside(max_depth=2).fit(X, y)
        fastml.accel.uninstall()
        print(inside is not before, sklearn.tree.DecisionTreeClassifier is before, type(sklearn.tree).__name__)
        other = before(max_depth=2, random_state=0).fit(X, y)
        print(hasattr(LinearSVC, "_own"), (model.predict(X) == other.predict(X)).all())
        import sklearn.neighbors
        print(hasattr(sklearn.neighbors.KNeighborsClassifier, "_own"))
        """,
        "program.py",
    )
    assert out == "True True module\nTrue True\nFalse\n"


def test_the_insides_keep_their_classes(program):
    out = program(
        """
        from sklearn.ensemble import RandomForestClassifier, AdaBoostClassifier
        from sklearn.tree import DecisionTreeClassifier
        forest = RandomForestClassifier(3, random_state=0).fit(X, y)
        print(hasattr(forest.estimators_[0], "_own"), hasattr(AdaBoostClassifier(n_estimators=2).fit(X, y)[0], "_own"))
        inner = type(forest.estimators_[0])
        print(isinstance(forest.estimators_[0], DecisionTreeClassifier), inner == DecisionTreeClassifier)
        print({DecisionTreeClassifier: 1}[inner], {inner: 1}[DecisionTreeClassifier])
        print(issubclass(inner, DecisionTreeClassifier))
        """
    )
    assert out == "False False\nTrue True\n1 1\nTrue\n"


def test_a_shell_has_scikit_learns_face(program):
    code = """
    import inspect
    from sklearn.base import clone, is_classifier
    from sklearn.tree import DecisionTreeClassifier, export_text, plot_tree
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.utils.validation import check_is_fitted
    model = DecisionTreeClassifier(max_depth=2)
    print(model, clone(model).get_params() == model.get_params(), DecisionTreeClassifier, is_classifier(model))
    print(inspect.signature(DecisionTreeClassifier.fit), inspect.signature(DecisionTreeClassifier))
    print(make_pipeline(StandardScaler(), LogisticRegression(C=2)))
    check_is_fitted(model.fit(X, y))
    print(export_text(model)[:30], len(plot_tree(model)), sorted(k for k in vars(clone(model)) if k != "_engine"))
    print(sorted(k for k in vars(model) if k.endswith("_")), model.tree_.capacity)
    """
    options = {"env": {"MPLBACKEND": "Agg"}}
    assert program(code, **options) == program(code, "program.py", **options)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_pickles_need_no_fastml_and_come_back(program, tmp_path):
    program(
        """
        from sklearn.tree import DecisionTreeClassifier
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.linear_model import SGDClassifier
        from sklearn.naive_bayes import GaussianNB
        from sklearn.neural_network import MLPClassifier
        from sklearn.metrics import accuracy_score, make_scorer
        models = [DecisionTreeClassifier(), KNeighborsClassifier(), SGDClassifier(loss="log_loss", random_state=0),
                  GaussianNB(), MLPClassifier(max_iter=3, random_state=0)]
        models = [model.fit(X, y) for model in models]
        with open("models.pickle", "wb") as file:
            answers = [model.predict_proba(X) for model in models]
            pickle.dump((models, answers, DecisionTreeClassifier, make_scorer(accuracy_score)), file)
        import io, joblib
        joblib.dump(models, "models.joblib")
        """
    )
    content = (tmp_path / "models.pickle").read_bytes()
    assert b"fastml" not in content
    models, answers, cls, scorer = pickle.loads(content)
    X = np.random.default_rng(0).normal(size=(60, 4))
    y = np.where(X[:, 0] + X[:, 1] > 0, "up", "down")
    for model, wanted in zip(models, answers, strict=True):
        assert type(model).__module__.startswith("sklearn.")
        assert not hasattr(type(model), "_own")
        np.testing.assert_allclose(model.predict_proba(X), wanted, atol=1e-9)
        model.fit(X, y)
    assert cls is type(models[0])
    assert scorer(models[0], X, y) == 1
    with open(tmp_path / "models.pickle", "wb") as file:
        pickle.dump(models[:4], file)
    out = program(
        """
        from sklearn.neighbors import KNeighborsClassifier
        models = pickle.load(open("models.pickle", "rb"))
        import joblib
        models += joblib.load("models.joblib")
        print([hasattr(model, "_own") and model.score(X, y) > 0.3 for model in models].count(True))
        print([type(model._engine).__module__.partition(".")[0] for model in models].count("fastml"))
        """
    )
    assert out == "9\n9\n"


def test_where_fastml_refuses_scikit_learn_serves(program):
    out = program(
        """
        import sklearn.neighbors, fastml.accel
        from sklearn.neighbors import KNeighborsClassifier
        far = KNeighborsClassifier(metric="cosine", algorithm="brute").fit(X, y)
        odd = KNeighborsClassifier(metric="canberra", algorithm="ball_tree").fit(X, y)
        print(far.score(X, y) > 0.5, odd.score(X, y) > 0.5)
        try:
            KNeighborsClassifier(n_neighbors=0).fit(X, y)
        except ValueError as error:
            print("range [1, inf)" in str(error))
        try:
            KNeighborsClassifier().predict(X)
        except Exception as error:
            print(type(error).__name__)
        print(fastml.accel.report().reasons)
        """
    )
    lines = out.splitlines()
    assert lines[:3] == ["True True", "True", "NotFittedError"]
    assert "KNeighborsClassifier.fit" in lines[3] or lines[3] == "{}"


def test_profile_says_what_ran_where(program):
    done = program(
        """
        from sklearn.tree import DecisionTreeClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import accuracy_score
        class Own(LogisticRegression):
            def _check_something(self): pass
            def __sklearn_tags__(self): return super().__sklearn_tags__()
            def _validate_params(self): return super()._validate_params()
        Own().fit(X, y)
        accuracy_score(y, DecisionTreeClassifier().fit(X, y).predict(X))
        """,
        "-m", "fastml.accel", "--profile", "program.py", check=False,
    )  # fmt: skip
    assert "DecisionTreeClassifier.fit" in done.stderr
    assert "1 x its class overrides _validate_params" in done.stderr
    assert "accuracy_score" in done.stderr
    assert "seconds" in done.stderr


def test_what_people_set_is_what_counts(program):
    out = program(
        """
        from sklearn.linear_model import LinearRegression, LogisticRegression
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.tree import DecisionTreeRegressor
        line = LinearRegression().fit(X, t)
        line.coef_ = np.zeros(4); line.intercept_ = 3.0
        print(line.predict(X[:2]))
        line = LinearRegression().fit(X, t)
        line.coef_[:] = 0
        print(np.ptp(line.predict(X)))
        near = KNeighborsClassifier(5).fit(X, y)
        near.set_params(n_neighbors=1)
        print(near.score(X, y), near.n_samples_fit_, near._fit_X.shape)
        tree = DecisionTreeRegressor(max_depth=2).fit(X, t)
        tree.predict(X)
        tree.tree_.value[:] = 7
        print(set(tree.predict(X)))
        """
    )
    assert out == "[3. 3.]\n0.0\n1.0 60 (60, 4)\n{np.float64(7.0)}\n"


def test_learning_goes_on(program):
    out = program(
        """
        from sklearn.linear_model import SGDClassifier
        from sklearn.naive_bayes import GaussianNB
        from sklearn.neural_network import MLPClassifier
        import fastml.naive_bayes
        bayes, other = GaussianNB(), fastml.naive_bayes.GaussianNB()
        for part in (slice(30), slice(30, 60)):
            bayes.partial_fit(X[part], y[part], classes=["down", "up"])
            other.partial_fit(X[part], y[part], classes=["down", "up"])
        print(np.array_equal(bayes.theta_, other.theta_))
        model = SGDClassifier(random_state=0).partial_fit(X, y, classes=["down", "up"])
        model = pickle.loads(pickle.dumps(model)).partial_fit(X, y)
        print(model.score(X, y) > 0.8, model.t_)
        net = MLPClassifier(max_iter=5, warm_start=True, random_state=0).fit(X, y)
        first = net.loss_
        print(net.fit(X, y).loss_ < first, net.set_params(max_iter=9).fit(X, y).loss_ < first)
        """
    )
    assert out == "True\nTrue 121.0\nTrue True\n"


def test_copies_and_subclasses(program):
    out = program(
        """
        import copy
        from sklearn.tree import DecisionTreeClassifier
        class Own(DecisionTreeClassifier):
            def predict(self, X):
                return super().predict(X)[::-1]
        model, own = DecisionTreeClassifier().fit(X, y), Own().fit(X, y)
        for other in (copy.copy(model), copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
            print(type(other) is DecisionTreeClassifier, (other.predict(X) == y).all())
        print((own.predict(X) == y[::-1]).all(), type(own._engine).__module__, isinstance(own, DecisionTreeClassifier))
        print((pickle.loads(pickle.dumps(own)).predict(X) == y[::-1]).all(), isinstance(model, Own))
        print(Own == DecisionTreeClassifier)
        """
    )
    assert out == "True True\n" * 3 + "True fastml.tree.classes True\nTrue False\nFalse\n"


def test_searches_and_metaestimators(program):
    out = program(
        """
        from sklearn.model_selection import GridSearchCV, cross_val_score
        from sklearn.calibration import CalibratedClassifierCV
        from sklearn.multiclass import OneVsRestClassifier
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
        pipe = make_pipeline(StandardScaler(), LogisticRegression())
        search = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1, 10]}, n_jobs=2).fit(X, y)
        rest = OneVsRestClassifier(pipe).fit(X, y)
        print(search.score(X, y) > 0.9, cross_val_score(pipe, X, y).shape, rest.score(X, y) > 0.9)
        print(CalibratedClassifierCV(pipe).fit(X, y).score(X, y) > 0.9, b"fastml" in pickle.dumps(search))
        """
    )
    assert out == "True (5,) True\nTrue False\n"


def test_enable_writes_a_line_that_looks_for_the_variable(program, tmp_path):
    from fastml.accel import start

    code = "from sklearn.tree import DecisionTreeClassifier\nprint(hasattr(DecisionTreeClassifier, '_own'))"
    line = f"import site; exec({start.LINE!r})\n"
    for value, wanted in (("1", "True\n"), ("0", "False\n"), ("", "False\n")):
        assert program(line + code, "program.py", env={"FASTML_ACCEL": value}) == wanted


def test_enable_and_disable(monkeypatch, tmp_path, capsys):
    from fastml.accel import start
    from fastml.accel.__main__ import main

    monkeypatch.setattr(start, "line_file", lambda: tmp_path / "fastml_accel.pth")
    main(["--enable"])
    assert (tmp_path / "fastml_accel.pth").read_text() == start.LINE
    main(["--disable"])
    assert not (tmp_path / "fastml_accel.pth").exists()
    assert capsys.readouterr().out.count("fastml_accel.pth") == 2


def test_importing_accel_is_cheap(program):
    out = program("import fastml.accel\nprint('sklearn' in sys.modules)", "program.py")
    assert out == "False\n"


def test_errors_and_pickles_after_it_was_taken_away(program):
    out = program(
        """
        import fastml.accel
        from sklearn.tree import DecisionTreeClassifier
        from sklearn.exceptions import NotFittedError
        try:
            DecisionTreeClassifier().feature_importances_
        except NotFittedError:
            print("not fitted")
        model = DecisionTreeClassifier().fit(X, y)
        fastml.accel.uninstall()
        other = pickle.loads(pickle.dumps(model))
        print(hasattr(other, "_own"), (other.predict(X) == model.predict(X)).all(), hasattr(model, "no_such"))
        """
    )
    assert out == "not fitted\nFalse True False\n"


def test_models_of_the_insides_are_pickled_too(program, tmp_path):
    program(
        """
        import copy, joblib
        from sklearn.ensemble import BaggingClassifier, GradientBoostingClassifier, RandomForestClassifier
        forest = RandomForestClassifier(3, random_state=0).fit(X, y)
        models = [forest, GradientBoostingClassifier(n_estimators=2).fit(X, y), BaggingClassifier(n_jobs=2).fit(X, y)]
        assert type(copy.deepcopy(forest.estimators_[0])) is type(forest.estimators_[0])
        again = pickle.loads(pickle.dumps(models))
        assert all((one.predict(X) == other.predict(X)).all() for one, other in zip(models, again))
        joblib.dump(models, "models")
        with open("models.pickle", "wb") as file:
            pickle.dump((models, [model.predict_proba(X) for model in models]), file)
        """
    )
    content = (tmp_path / "models.pickle").read_bytes()
    assert b"fastml" not in content
    models, answers = pickle.loads(content)
    X = np.random.default_rng(0).normal(size=(60, 4))
    for model, wanted in zip(models, answers, strict=True):
        np.testing.assert_allclose(model.predict_proba(X), wanted)


def test_a_class_is_one_whichever_module_it_is_read_from(program):
    out = program(
        """
        import sklearn.discriminant_analysis, sklearn.preprocessing
        from sklearn.utils import all_estimators
        names = [name for name, _ in all_estimators()]
        print(sklearn.discriminant_analysis.StandardScaler is sklearn.preprocessing.StandardScaler)
        print(len(names) == len(set(names)), hasattr(dict(all_estimators())["GaussianNB"], "_own"))
        """
    )
    assert out == "True\nTrue True\n"
