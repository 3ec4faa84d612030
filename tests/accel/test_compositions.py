"""Pipelines, column transformers, searches and cross-validation under fastml.accel."""

import pickle

import numpy as np

FRAME = """
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin, clone, is_classifier
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, KFold, RandomizedSearchCV, StratifiedKFold
from sklearn.model_selection import cross_val_predict, cross_val_score, cross_validate, learning_curve
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC
df = pd.DataFrame({"a": X[:, 0], "b": y, "c": X[:, 1]})
def served(model, method):
    import fastml.accel
    return fastml.accel.report().calls.get((f"{model}.{method}", "fastml"), (0,))[0]
"""


def test_compositions_answer_by_fastml(program):
    out = program(
        FRAME
        + """
columns = make_column_transformer((StandardScaler(), ["a"]), (OneHotEncoder(), ["b"]), remainder="passthrough")
pipe = make_pipeline(columns, LinearRegression()).fit(df, t)
target = TransformedTargetRegressor(LinearRegression(), func=np.negative, inverse_func=np.negative)
target.fit(X, t)
before = [served("Pipeline", "predict"), served("TransformedTargetRegressor", "predict")]
first = pipe.predict(df)
print(isinstance(columns, ColumnTransformer), type(pipe) is Pipeline, np.abs(first - t).max() < 10)
print(np.allclose(target.predict(X), t))
print(served("Pipeline", "predict") - before[0], served("TransformedTargetRegressor", "predict") > before[1])
print(served("ColumnTransformer", "transform"), columns.transform(df).shape, served("ColumnTransformer", "transform"))
pipe[-1].coef_ = np.zeros_like(pipe[-1].coef_)
print(np.ptp(pipe.predict(df)))
pipe.set_params(linearregression=SVC()).fit(df, y)
print(pipe.score(df, y) > 0.8, served("Pipeline", "predict") - before[0])
"""
    )
    assert out == "True True True\nTrue\n1 True\n0 (60, 4) 1\n0.0\nTrue 2\n"


def test_frames_and_steps_of_others_stay_with_scikit_learn(program):
    code = (
        FRAME
        + """
class Own(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None): return self
    def transform(self, X): return np.asarray(X) * 2
pipe = make_pipeline(StandardScaler(), Own(), LogisticRegression()).fit(X, y)
print(pipe.predict(X[:4]), pipe.score(X, y) > 0.9)
frames = make_pipeline(StandardScaler(), StandardScaler()).set_output(transform="pandas").fit(df[["a", "c"]])
print(frames.transform(df[["a", "c"]]).columns.tolist())
names = make_pipeline(StandardScaler().set_output(transform="pandas"), LogisticRegression()).fit(df[["a", "c"]], y)
print(names[-1].feature_names_in_, names.predict(df[["a", "c"]])[:3])
print(cross_val_predict(pipe, X, y, n_jobs=2)[:4], learning_curve(pipe, X, y, train_sizes=[0.5])[0])
print(repr(pipe), clone(pipe).get_params().keys() == pipe.get_params().keys(), is_classifier(pipe))
print(pipe._repr_html_().count("LogisticRegression"), pipe.named_steps.own, pipe[:-1])
try:
    make_pipeline(StandardScaler(), LogisticRegression()).predict(X)
except Exception as error:
    print(type(error).__name__)
"""
    )
    assert program(code) == program(code, "program.py")


def test_searches_share_work_and_have_scikit_learns_results(program):
    code = (
        FRAME
        + """
pipe = make_pipeline(StandardScaler(), LogisticRegression())
halves = StratifiedKFold(3, shuffle=True, random_state=1)
grid = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1, 10]}, verbose=1, return_train_score=True).fit(X, y)
drawn = RandomizedSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10]}, n_iter=2, random_state=0, cv=halves).fit(X, y)
odd = GridSearchCV(SVC(), {"C": [1, 10]}, cv=KFold(3)).fit(X, y)
mixed = GridSearchCV(Pipeline([("m", LogisticRegression())]), {"m": [SVC(), LogisticRegression(C=2)]}).fit(X, y)
for search in (grid, drawn, odd, mixed):
    print(repr(search), search.best_params_, search.best_score_, sorted(vars(search)), search._checked_cv_orig)
    print(sorted(search.cv_results_), search.cv_results_["rank_test_score"], search.predict(X[:3]), search.classes_)
print(grid.cv_results_["mean_train_score"], cross_val_score(pipe, X, y), sorted(cross_validate(pipe, X, y)))
print(type(cross_validate(pipe, X, y, return_estimator=True)["estimator"][0]).__name__, clone(grid).get_params()["cv"])
for wrong in ({"K": [1]}, {"logisticregression__C": [-1.0]}):
    try:
        GridSearchCV(pipe, wrong, error_score="raise").fit(X, y)
    except ValueError as error:
        print(str(error)[:60])
"""
    )
    plain = program(code, "program.py")
    assert program(code + 'assert served("GridSearchCV", "fit") == 2') == plain


def test_pickles_of_compositions(program, tmp_path):
    code = (
        FRAME
        + """
numbers = make_column_selector(dtype_include="number")
columns = ColumnTransformer([("n", StandardScaler(), numbers), ("e", OneHotEncoder(), ["b"])])
pipe = make_pipeline(columns, LogisticRegression()).fit(df, y)
search = GridSearchCV(pipe, {"logisticregression__C": [0.1, 1]}, cv=KFold(3, shuffle=True, random_state=0)).fit(df, y)
tree = KDTree(X, leaf_size=4)
tree.query(X[:2], k=3)
"""
    )
    code = "from sklearn.neighbors import KDTree\n" + code
    save = """
with open("kept.pickle", "wb") as file:
    pickle.dump((pipe, search, tree, KFold(3), search.predict_proba(df), tree.query(X[:5], k=3)), file)
"""
    read = """
from sklearn.pipeline import Pipeline
pipe, search, tree, folds, wanted, near = pickle.load(open("kept.pickle", "rb"))
print(type(pipe) is Pipeline, np.allclose(search.predict_proba(df), wanted), repr(folds), isinstance(tree, KDTree))
print(np.array_equal(tree.query(X[:5], k=3)[1], near[1]))
print([hasattr(type(each), "_own") for each in (pipe, search, folds)])
"""
    found = "True True KFold(n_splits=3, random_state=None, shuffle=False) True\nTrue\n[{0}, {0}, {0}]\n"
    program(code + save)
    content = (tmp_path / "kept.pickle").read_bytes()
    assert b"fastml" not in content
    assert [type(each).__module__.partition(".")[0] for each in pickle.loads(content)[:4]] == ["sklearn"] * 4
    assert program(code + read, "program.py") == found.format(False)
    program(code + save, "program.py")
    assert program(code + read) == found.format(True)
    np.testing.assert_array_equal(pickle.loads(content)[5][0][:, 0], 0)


def test_a_tree_of_neighbours(program):
    code = """
from sklearn.neighbors import KDTree, KernelDensity, NearestNeighbors
import copy
tree = KDTree(X, 5, metric="manhattan")
print(tree.query(X[:2], k=2), tree.query(X[:2], 2, False), tree.query_radius(X[:2], 1.5, count_only=True))
print([sorted(row) for row in tree.query_radius(X[:2], 1.5)], tree.data.shape, tree.kernel_density(X[:2], 1.0))
print(NearestNeighbors(n_neighbors=2, metric="manhattan").fit(tree).kneighbors(X[:2]), copy.copy(tree).query(X[:1]))
print(KDTree(X, sample_weight=np.ones(60)).query(X[:1]), len(tree.get_arrays()), tree.two_point_correlation(X, [1.0]))
print(KernelDensity().fit(X).score(X), KDTree.valid_metrics[:3], isinstance(tree, KDTree))
for wrong in (lambda: tree.query(X[:1], k=99), lambda: KDTree(X, metric="no"), lambda: tree.query(X[:, :2])):
    try:
        wrong()
    except ValueError as error:
        print(error)
"""
    assert program(code) == program(code, "program.py")


def test_what_only_fastml_takes_is_refused_as_without(program):
    code = """
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from sklearn.model_selection import cross_validate
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
hole = X.copy()
hole[3, 1] = np.nan
for wrong in (
    lambda: GaussianNB().fit(hole, y),
    lambda: DecisionTreeClassifier().fit([["a", 1.0], ["b", 2.0]], [0, 1]),
    lambda: KNeighborsClassifier().fit(X, y, sample_weight=np.ones(60)),
    lambda: cross_validate(GaussianNB(), X, y, return_predictions=True),
):
    try:
        print(wrong())
    except (TypeError, ValueError) as error:
        print(type(error).__name__, str(error)[:30])
class Twice(StandardScaler):
    def transform(self, X, copy=None):
        return 2 * super().transform(X)
class Letters(CountVectorizer):
    def build_analyzer(self):
        return list
class Up(LogisticRegression):
    def __init__(self, flavour="x"):
        super().__init__(C=3.0)
        self.flavour = flavour
    def decision_function(self, X):
        return super().decision_function(X) + 100
print(Twice().fit_transform(X).std(), Letters().fit(["abc"]).vocabulary_)
print(set(Up().fit(X, y).predict(X)), Up().fit(X, y))
"""
    assert program(code) == program(code, "program.py")
