"""The field tables of the mobile payment centre (sheet §3.3-§3.7), under the gateway's spelling. Pure.

The sheet names no lengths here: a field has the length of its namesake in 2101 and 2201-2207 (INF), a flag 0 or 1.
What is required is what at least one live gateway requires; of a line (feedetailList), what its price needs.
"""

from mock_providers.national import fields

UPLOAD = fields.table("""
org_codg C30 Y
org_id C64
psn_no C30 Y
insutype C6 Y insutype
insu_code C6 Y
med_org_ord C64 Y
init_rx_ord C40
rx_circ_flag C3 rx_circ_flag
begntime DT Y
id_no C50 Y
user_name C50 Y
id_type C6 Y psn_cert_type
ec_token C64
pay_auth_no C40
ipt_otp_no C30 Y
atddr_no C30
dr_name C50
dept_code C30 Y
dept_name C100 Y
caty C10 Y
mdtrt_id C30
med_type C6 Y med_type
fee_type C2 Y
medfee_sumamt N16,2 Y
acct_used_flag C3 acct_used_flag
psn_setlway C6 Y psn_setlway
chrg_bchno C30 Y
pub_hosp_rfom_flag C3 Y rx_circ_flag
main_cond_dscr C1000
dise_codg C30
dise_name C500
endtime DT
invono C20
fulamt_ownpay_amt N16,2
overlmt_selfpay N16,2
preselfpay_amt N16,2
inscp_scp_amt N16,2
mid_setl_flag C3 rx_circ_flag
mdtrt_cert_type C3 mdtrt_cert_type
uld_latlnt C64
oprn_oprt_code C30
oprn_oprt_name C500
fpsc_no C50
latechb_flag C3 rx_circ_flag
geso_val N2
fetts N3
fetus_cnt N3
pret_flag C3 rx_circ_flag
birctrl_type C6
birctrl_matn_date D
cop_flag C3 rx_circ_flag
matn_type C6
dscg_dept_codg C30
dscg_dept_name C100
dscg_way C3
die_date D
adm_diag_dscr C200
adm_dept_codg C30
adm_dept_name C100
adm_bed C30
""")
DISEASE = fields.table("""
diag_type C3 diag_type
diag_srt_no N2
diag_code C20
diag_name C100
diag_dept C50
dise_dor_no C30
dise_dor_name C50
diag_time DT
vali_flag C3 vali_flag
""")
LINE = fields.table("""
feedetl_sn C30 Y
mdtrt_id C30
psn_no C30
chrg_bchno C30
dise_codg C30
rxno C40
rx_circ_flag C3 rx_circ_flag
fee_ocur_time DT
med_list_codg C50 Y
medins_list_codg C150 Y
det_item_fee_sumamt N16,2 Y
cnt N16,4 Y
pric N16,6 Y
sin_dos_dscr C200
used_frqu_dscr C200
prd_days N4,2
medc_way_dscr C200
bilg_dept_codg C30
bilg_dept_name C100
bilg_dr_codg C30
bilg_dr_name C50
acord_dept_codg C30
acord_dept_name C100
orders_dr_code C30
orders_dr_name C50
hosp_appr_flag C3 hosp_appr_flag
tcmdrug_used_way C6 tcmdrug_used_way
etip_flag C3 rx_circ_flag
etip_hosp_code C30
dscg_tkdrug_flag C3 rx_circ_flag
matn_fee_flag C6 rx_circ_flag
init_feedetl_sn C30
drord_no C30
med_type C6 med_type
memo C500
med_list_name C200
med_list_spc C200
""")
PLACE = fields.table("""
pay_auth_no C40 Y
pay_ord_id C64 Y
pay_token C64 Y
org_codg C30 Y
org_biz_ser C64 Y
chrg_bchno C30
fee_type C2
mdtrt_id C30
acct_used_flag C3 acct_used_flag
deposit N16,2
insu_code C6
""")
NAMED = fields.table("""
pay_ord_id C64 Y
org_codg C30 Y
pay_token C64 Y
id_no C50 Y
user_name C50 Y
id_type C6 Y psn_cert_type
ec_token C64
""")
REFUND = fields.table("""
pay_ord_id C64 Y
app_refd_sn C64 Y
app_refd_time C14 Y
totl_refd_amt N16,2 Y
psn_acct_refd_amt N16,2 Y
fund_refd_amt N16,2 Y
cash_refd_amt N16,2 Y
ec_token C64
pay_auth_no C40
revs_token C64
refd_type C4 Y
app_id C64
""")
INSURED = fields.table("""
app_id C64
pay_ord_id C64
org_codg C30
med_type C6 med_type
ec_token C64
id_no C50 Y
user_name C50 Y
id_type C6 Y psn_cert_type
insu_code C6 Y
""")
